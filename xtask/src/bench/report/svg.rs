//! Bar charts as SVG: panels on a grid, and wide ones below.

use std::fmt::Write as _;

use super::super::samples::Summary;

/// What a bar stands for.
#[derive(Clone, Copy)]
pub(super) enum Tone {
    /// This switch.
    Ours,
    /// Something that does the same job.
    Peer,
    /// Something that does less.
    Limit,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Peer => "peer",
            Self::Limit => "limit",
        }
    }
}

/// One value with its spread.
pub(super) struct Bar {
    /// At its left.
    pub(super) label: String,
    /// The value as text, at its right.
    pub(super) shown: String,
    /// Length of the bar and of the line across its end.
    pub(super) summary: Summary,
    /// How it looks.
    pub(super) tone: Tone,
}

/// Bars of one unit.
pub(super) struct Panel {
    /// What is measured.
    pub(super) title: String,
    /// Unit and direction.
    pub(super) note: String,
    /// From top to bottom.
    pub(super) bars: Vec<Bar>,
}

const WIDTH: f64 = 1080.0;
const MARGIN: f64 = 28.0;
const COLUMNS: usize = 3;
const GAP: f64 = 32.0;
const HEADER: f64 = 76.0;
const PANEL_HEADER: f64 = 44.0;
const LINE: f64 = 26.0;
const BAR: f64 = 16.0;
/// Room for the value at the right of the longest bar.
const VALUE: f64 = 48.0;
const LABEL: f64 = 104.0;
const WIDE_LABEL: f64 = 380.0;

const STYLE: &str = "
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 20px; font-weight: 600 } .panel { font-size: 15px; font-weight: 600 }
  .note { font-size: 12px; fill: #6e7781 } .end { text-anchor: end }
  .ground { fill: #ffffff } .axis { stroke: #d0d7de } .spread { stroke: #24292f; stroke-width: 1.5 }
  .ours { fill: #0969da } .peer { fill: #8c959f } .limit { fill: #d0d7de }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .note { fill: #8d96a0 } .ground { fill: #0d1117 }
    .axis { stroke: #30363d } .spread { stroke: #e6edf3 }
    .ours { fill: #4493f8 } .peer { fill: #6e7681 } .limit { fill: #30363d }
  }
";

/// A picture of small panels side by side with wide ones below them.
pub(super) fn draw(title: &str, caption: &str, small: &[Panel], wide: &[Panel]) -> String {
    let mut canvas = Canvas { text: String::new() };
    canvas.words(MARGIN, 36.0, "title", title);
    canvas.words(MARGIN, 58.0, "note", caption);
    let mut top = HEADER + 12.0;
    for row in small.chunks(COLUMNS) {
        top = canvas.row(row, COLUMNS, LABEL, top);
    }
    for panel in wide {
        top = canvas.row(std::slice::from_ref(panel), 1, WIDE_LABEL, top);
    }
    canvas.finish(top)
}

struct Canvas {
    text: String,
}

impl Canvas {
    /// Draws panels side by side and says where the next row begins.
    fn row(&mut self, panels: &[Panel], columns: usize, label: f64, top: f64) -> f64 {
        let columns = u32::try_from(columns).map_or(1.0, f64::from);
        let width = (WIDTH - 2.0 * MARGIN - (columns - 1.0) * GAP) / columns;
        let mut left = MARGIN;
        let mut bottom = top;
        for panel in panels {
            bottom = f64::max(bottom, self.panel(panel, Area { left, top, width, label }));
            left += width + GAP;
        }
        bottom + GAP
    }

    /// Draws a panel and says where it ends.
    fn panel(&mut self, panel: &Panel, area: Area) -> f64 {
        self.words(area.left, area.top + 14.0, "panel", &panel.title);
        self.words(area.left, area.top + 31.0, "note", &panel.note);
        let longest = panel.bars.iter().map(|bar| bar.summary.max).fold(f64::MIN_POSITIVE, f64::max);
        let mut top = area.top + PANEL_HEADER;
        for bar in &panel.bars {
            self.bar(bar, area, top, longest);
            top += LINE;
        }
        let axis = area.axis();
        self.line("axis", (axis, area.top + PANEL_HEADER - 4.0), (axis, top - 6.0));
        top
    }

    fn bar(&mut self, bar: &Bar, area: Area, top: f64, longest: f64) {
        let at = |value: f64| area.axis() + value / longest * area.room();
        let (middle, text) = (top + BAR / 2.0, top + BAR - 3.5);
        let Summary { median, min, max } = bar.summary;
        self.words(area.axis() - 8.0, text, "end", &bar.label);
        self.push(format_args!(
            "<rect class='{}' x='{:.1}' y='{top:.1}' width='{:.1}' height='{BAR}' rx='2'/>",
            bar.tone.class(),
            area.axis(),
            at(median) - area.axis(),
        ));
        self.line("spread", (at(min), middle), (at(max), middle));
        self.words(at(max) + 7.0, text, "value", &bar.shown);
    }

    fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.push(format_args!(
            "<line class='{class}' x1='{x1:.1}' y1='{y1:.1}' x2='{x2:.1}' y2='{y2:.1}'/>"
        ));
    }

    fn words(&mut self, x: f64, y: f64, class: &str, words: &str) {
        let words = escape(words);
        self.push(format_args!("<text class='{class}' x='{x:.1}' y='{y:.1}'>{words}</text>"));
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _infallible = writeln!(self.text, "{element}");
    }

    fn finish(self, height: f64) -> String {
        format!(
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height:.0}' width='{WIDTH}'>\n\
             <style>{STYLE}</style>\n<rect class='ground' width='100%' height='100%'/>\n{}</svg>\n",
            self.text
        )
    }
}

/// Where a panel is.
#[derive(Clone, Copy)]
struct Area {
    left: f64,
    top: f64,
    width: f64,
    label: f64,
}

impl Area {
    /// Where bars begin.
    fn axis(self) -> f64 {
        self.left + self.label
    }

    /// Length of the longest bar.
    fn room(self) -> f64 {
        self.width - self.label - VALUE
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(median: f64) -> Bar {
        let summary = Summary { median, min: median, max: median };
        Bar { label: "a < b".to_owned(), shown: String::new(), summary, tone: Tone::Ours }
    }

    #[test]
    fn bars_are_as_long_as_their_values() {
        let panel = Panel { title: String::new(), note: String::new(), bars: vec![bar(10.0), bar(5.0)] };
        let picture = draw("", "", &[], &[panel]);
        let widths: Vec<f64> = picture
            .lines()
            .filter(|line| line.starts_with("<rect class='ours'"))
            .filter_map(|line| line.split("width='").nth(1)?.split('\'').next()?.parse().ok())
            .collect();
        assert!((widths[0] / widths[1] - 2.0).abs() < 0.01, "{widths:?}");
    }

    #[test]
    fn text_is_escaped() {
        let panel = Panel { title: String::new(), note: String::new(), bars: vec![bar(1.0)] };
        assert!(draw("", "", &[panel], &[]).contains("a &lt; b"));
    }
}
