//! Tables as aligned text for a terminal and as Markdown for documents.

/// How the cells of a column are aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table of text cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns and no rows.
    pub fn new(columns: impl IntoIterator<Item = (impl Into<String>, Align)>) -> Table {
        Table {
            columns: columns.into_iter().map(|(title, align)| (title.into(), align)).collect(),
            rows: Vec::new(),
        }
    }

    /// Appends a row; missing cells are empty, cells beyond the last column are dropped.
    pub fn push(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        let mut row: Vec<String> = cells.into_iter().map(Into::into).collect();
        row.resize(self.columns.len(), String::new());
        self.rows.push(row);
    }

    /// Columns separated by two spaces, one line per row.
    pub fn to_text(&self) -> String {
        let widths = self.widths(|cell| cell.to_owned());
        let mut text = self.line(&self.titles(), &widths, "", "  ", "");
        text += &self.line(
            &widths.iter().map(|&width| "-".repeat(width)).collect::<Vec<_>>(),
            &widths,
            "",
            "  ",
            "",
        );
        for row in &self.rows {
            text += &self.line(row, &widths, "", "  ", "");
        }
        text
    }

    /// A Markdown table, aligned in its source too.
    pub fn to_markdown(&self) -> String {
        let escape = |cell: &str| cell.replace('|', "\\|").replace('\n', " ");
        let widths: Vec<usize> = self.widths(escape).into_iter().map(|width| width.max(3)).collect();
        let mut text = self.line(&self.titles(), &widths, "| ", " | ", " |");
        let rule: Vec<String> = widths
            .iter()
            .zip(&self.columns)
            .map(|(&width, (_, align))| match align {
                Align::Left => "-".repeat(width),
                Align::Right => "-".repeat(width - 1) + ":",
            })
            .collect();
        text += &self.line(&rule, &widths, "| ", " | ", " |");
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
            text += &self.line(&cells, &widths, "| ", " | ", " |");
        }
        text
    }

    fn titles(&self) -> Vec<String> {
        self.columns.iter().map(|(title, _)| title.clone()).collect()
    }

    fn widths(&self, shown: impl Fn(&str) -> String) -> Vec<usize> {
        let width = |cell: &String| shown(cell).chars().count();
        (0..self.columns.len())
            .map(|k| {
                self.rows
                    .iter()
                    .map(|row| width(&row[k]))
                    .chain([width(&self.columns[k].0)])
                    .max()
                    .unwrap_or(0)
            })
            .collect()
    }

    fn line(&self, cells: &[String], widths: &[usize], start: &str, between: &str, end: &str) -> String {
        let padded: Vec<String> = cells
            .iter()
            .zip(widths)
            .zip(&self.columns)
            .map(|((cell, &width), (_, align))| match align {
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
            })
            .collect();
        let line = format!("{start}{}{end}", padded.join(between));
        line.trim_end().to_owned() + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_align_their_columns() {
        let mut table = Table::new([("codec", Align::Left), ("bpp", Align::Right)]);
        table.push(["a|b", "1.5"]);
        table.push(["longer"]);
        assert_eq!(table.to_text(), "codec   bpp\n------  ---\na|b     1.5\nlonger\n");
        assert_eq!(
            table.to_markdown(),
            "| codec  | bpp |\n| ------ | --: |\n| a\\|b   | 1.5 |\n| longer |     |\n"
        );
    }
}
