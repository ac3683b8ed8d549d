//! Which version of the API somebody speaks: both ends say so with every request and every answer.

/// The header that says it.
pub const VERSION_HEADER: &str = "dvs-version";
/// What this program says: the version of the API that it speaks, and its own.
pub const OWN_VERSION: &str = concat!("v1 (dvs ", env!("CARGO_PKG_VERSION"), ")");

/// What to do about versions that do not fit.
pub const VERSION_REMEDY: &str = "run the same version of dvs on both sides, or ask another manager";

/// True if what the other end says is another version of the API than this program's.
pub fn is_other_version(said: &str) -> bool {
    let spoken = |text: &str| text.split(' ').next().map(str::to_owned);
    spoken(said) != spoken(OWN_VERSION)
}

/// The version of the API that a path belongs to, if that is not this program's.
pub fn other_version_of(path: &str) -> Option<&str> {
    let version = path.split('/').nth(1)?;
    let number = version.strip_prefix('v')?;
    let is_version = !number.is_empty() && number.bytes().all(|octet| octet.is_ascii_digit());
    (is_version && is_other_version(version)).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_the_api_counts_and_not_that_of_the_program() {
        for (said, other) in [
            (OWN_VERSION, false),
            ("v1 (dvs 0.0.9)", false),
            ("v1", false),
            ("v2 (dvs 9.0.0)", true),
            ("", true),
        ] {
            assert_eq!(is_other_version(said), other, "{said}");
        }
        for (path, other) in [
            ("/v2/ports", Some("v2")),
            ("/v12", Some("v12")),
            ("/v1/x", None),
            ("/vlan/1", None),
            ("/", None),
        ] {
            assert_eq!(other_version_of(path), other, "{path}");
        }
    }
}
