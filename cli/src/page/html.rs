//! The text of the page.

use std::fmt::Write;

use vcn_similarity::Distortion;

use super::{Group, Page, Pair, picture};
use crate::failure::Result;
use crate::print::bytes;

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub fn page(page: &Page) -> Result<String> {
    let title = escaped(&page.title);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n"
    );
    for note in &page.notes {
        put(&mut out, format_args!("<p>{}</p>\n", escaped(note)));
    }
    if page.groups.is_empty() {
        out.push_str("<p>Nothing in common.</p>\n");
    }
    for each in &page.groups {
        group(&mut out, each)?;
    }
    out.push_str("</html>\n");
    Ok(out)
}

fn group(out: &mut String, group: &Group) -> Result<()> {
    let saved = match group.saved_bytes {
        0 => String::new(),
        saved => format!(" <small>{} saved</small>", bytes(saved)),
    };
    put(out, format_args!("<section>\n<h2>{}{saved}</h2>\n", escaped(&group.name)));
    if !group.same.is_empty() {
        put(
            out,
            format_args!("<details open><summary>{} with the same frames</summary><ul>", group.same.len()),
        );
        for name in &group.same {
            put(out, format_args!("<li>{}</li>", escaped(name)));
        }
        out.push_str("</ul></details>\n");
    }
    for each in &group.pairs {
        pair(out, &group.name, each)?;
    }
    out.push_str("</section>\n");
    Ok(())
}

fn pair(out: &mut String, name: &str, pair: &Pair) -> Result<()> {
    let (level, score) = (pair.level, pair.score);
    put(out, format_args!("<article class=\"{level}\">\n<h3>{}</h3>\n", escaped(&pair.name)));
    let saved = match pair.saved_bytes {
        0 => String::new(),
        saved => format!("; {} saved", bytes(saved)),
    };
    let words = match level {
        "near" => "looks alike",
        "segments" => "in part the same",
        other => other,
    };
    put(out, format_args!("<p><b>{words}</b>, score {score:.2}: {}{saved}</p>\n", escaped(&pair.reason)));
    if !pair.moments.is_empty() {
        out.push_str("<table class=\"strips\">\n");
        for (which, name) in [name, &pair.name].into_iter().enumerate() {
            let columns = pair.moments.len();
            put(out, format_args!("<tr><th colspan=\"{columns}\">{}</th></tr>\n<tr>", escaped(name)));
            for moment in &pair.moments {
                let (url, at) = (picture::still_url(&moment.pictures[which])?, moment.seconds[which]);
                put(
                    out,
                    format_args!(
                        "<td><figure><img alt=\"frame at {at:.2} s\" src=\"{url}\"><figcaption>{at:.2} \
                         s</figcaption></figure></td>"
                    ),
                );
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</table>\n");
    }
    out.push_str("<div class=\"evidence\">\n");
    if let Some(matrix) = &pair.matrix {
        let (width, height) = (matrix.width, matrix.values.len() / matrix.width.max(1));
        let scale = (240 / width.max(height).max(1)).clamp(2, 24);
        put(
            out,
            format_args!(
                "<figure><img class=\"matrix\" alt=\"similarity matrix\" width=\"{}\" height=\"{}\" \
                 src=\"{}\"><figcaption>sampled frames, bright where alike: {height} of {} from top to bottom, {width} of \
                 {} from left to right</figcaption></figure>\n",
                width * scale,
                height * scale,
                picture::matrix(matrix)?,
                escaped(name),
                escaped(&pair.name)
            ),
        );
    }
    if let Some(worst) = &pair.worst {
        for ((picture, seconds), name) in worst.pictures.iter().zip(worst.seconds).zip([name, &pair.name]) {
            put(
                out,
                format_args!(
                    "<figure><img class=\"block\" alt=\"worst block\" width=\"192\" height=\"192\" \
                     src=\"{}\"><figcaption>worst block: {} at {seconds:.2} s</figcaption></figure>\n",
                    picture::exact(picture)?,
                    escaped(name)
                ),
            );
        }
        let psnr = Distortion::psnr(worst.error).min(99.0);
        put(out, format_args!("<p>PSNR of this block: {psnr:.1} dB; the lower, the more it differs.</p>\n"));
    }
    out.push_str("</div>\n</article>\n");
    Ok(())
}

fn put(out: &mut String, text: std::fmt::Arguments) {
    // Writing to a string does not fail.
    let _ = out.write_fmt(text);
}

/// Text as it stands in HTML, also between quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_the_page() {
        let name = "<script>alert(\"1\")</script>&".to_owned();
        let group = Group { name: name.clone(), same: vec![name], pairs: Vec::new(), saved_bytes: 5 };
        let text = page(&Page { title: "t".to_owned(), notes: Vec::new(), groups: vec![group] }).unwrap();
        assert!(!text.contains("<script"), "{text}");
        assert_eq!(text.matches("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;").count(), 2);
    }
}
