//! A minimal SVG document writer.

use std::fmt::Write;

/// How much wider DejaVu Sans runs than Helvetica.
const SUBSTITUTE: f64 = 1.13;

/// Width of text in pixels: Helvetica's advance widths grouped by class, with room for the wider fonts that stand in for
/// it where it is missing (DejaVu Sans).
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    let advance = |c: char| match c {
        'i' | 'j' | 'l' | '\'' | '|' => 0.23,
        ' ' | '.' | ',' | ':' | ';' | 'f' | 't' | 'I' | '/' | '!' => 0.29,
        'r' | '-' | '(' | ')' | '[' | ']' => 0.34,
        'c' | 'k' | 's' | 'v' | 'x' | 'y' | 'z' | 'J' => 0.5,
        'w' | 'A' | 'B' | 'C' | 'D' | 'E' | 'H' | 'K' | 'N' | 'P' | 'R' | 'S' | 'U' | 'V' | 'X' | 'Y' => 0.72,
        'G' | 'O' | 'Q' => 0.78,
        'm' | 'M' | 'W' | '%' => 0.89,
        c if c.is_ascii() => 0.56,
        _ => 0.8,
    };
    text.chars().map(advance).sum::<f64>() * size * SUBSTITUTE
}

/// Which point of a text its position names.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// An SVG document in the making.
pub(super) struct Svg {
    body: String,
}

impl Svg {
    pub(super) fn new() -> Svg {
        Svg { body: String::new() }
    }

    pub(super) fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), colour: &str, width: f64) {
        self.push(format_args!(
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="{colour}" stroke-width="{width}"/>"#
        ));
    }

    pub(super) fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), attributes: &str) {
        self.push(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" {attributes}/>"#
        ));
    }

    pub(super) fn polyline(&mut self, points: &[(f64, f64)], attributes: &str) {
        let mut list = String::new();
        for (x, y) in points {
            // Writing to a String cannot fail.
            let _ = write!(list, "{}{x:.2},{y:.2}", if list.is_empty() { "" } else { " " });
        }
        self.push(format_args!(r#"<polyline points="{list}" fill="none" {attributes}/>"#));
    }

    pub(super) fn path(&mut self, data: &str, attributes: &str) {
        self.push(format_args!(r#"<path d="{data}" {attributes}/>"#));
    }

    pub(super) fn text(
        &mut self,
        (x, y): (f64, f64),
        size: f64,
        anchor: Anchor,
        attributes: &str,
        text: &str,
    ) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(text);
        self.push(format_args!(
            r#"<text x="{x:.1}" y="{y:.1}" font-size="{size}" text-anchor="{anchor}" {attributes}>{text}</text>"#
        ));
    }

    /// What is drawn between this and [`Svg::end`] is clipped to a rectangle.
    pub(super) fn begin_clip(&mut self, (x, y): (f64, f64), (width, height): (f64, f64)) {
        self.push(format_args!(
            r#"<clipPath id="area"><rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/></clipPath>"#
        ));
        self.push(format_args!(r#"<g clip-path="url(#area)">"#));
    }

    pub(super) fn end(&mut self) {
        self.push(format_args!("</g>"));
    }

    fn push(&mut self, element: std::fmt::Arguments) {
        let _ = writeln!(self.body, "{element}");
    }

    /// Draws another document in this one. `name` tells its definitions from those of others.
    pub(super) fn inset(&mut self, (x, y): (f64, f64), document: &str, name: &str) {
        let document = document
            .replacen("<svg ", &format!(r#"<svg x="{x:.0}" y="{y:.0}" "#), 1)
            .replace(r#"id="area""#, &format!(r#"id="area-{name}""#))
            .replace("url(#area)", &format!("url(#area-{name})"));
        self.push(format_args!("{document}"));
    }

    /// The document, white, `width` x `height` pixels.
    pub(super) fn finish(self, width: f64, height: f64, title: &str) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif\" role=\"img\">\n\
             <title>{}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{}</svg>\n",
            escape(title),
            self.body
        )
    }
}

/// Text as XML takes it; control characters, which XML 1.0 forbids, become spaces.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
