//! Times as people write them.

/// Milliseconds of a day.
const DAY: u64 = 86_400_000;

/// A time in milliseconds since 1970 in the form of RFC 3339.
pub fn rfc3339(time: u64) -> String {
    let (year, month, day) = date(time / DAY);
    let (seconds, millis) = (time % DAY / 1000, time % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Year, month and day that begin so many days after 1970.
///
/// Years are counted from March, so that the day that not all have is their last one, and in eras of 400,
/// which all have the same days (<https://howardhinnant.github.io/date_algorithms.html>).
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_standard_wants() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_001, "2000-03-01T00:00:00.001Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_735_689_599_250, "2024-12-31T23:59:59.250Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ];
        for (time, expected) in cases {
            assert_eq!(rfc3339(time), expected);
        }
    }
}
