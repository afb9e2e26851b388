//! The cells of a few rows that were written as CSV, for a table.

/// A cell: nothing in it is told from an empty text, which is written in quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::pages) struct Cell {
    pub(in crate::pages) text: String,
    pub(in crate::pages) is_null: bool,
}

/// Reads rows that we have written ourselves, with commas and line feeds.
pub(in crate::pages) fn read(text: &str) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    let mut row: Vec<Cell> = Vec::new();
    let mut cell = Cell { is_null: true, ..Cell::default() };
    let mut is_quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.text.push('"');
            }
            '"' => {
                is_quoted = !is_quoted;
                cell.is_null = false;
            }
            ',' if !is_quoted => row.push(taken(&mut cell)),
            '\n' if !is_quoted => {
                row.push(taken(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            '\r' if !is_quoted && characters.peek() == Some(&'\n') => {}
            character => {
                cell.text.push(character);
                cell.is_null = false;
            }
        }
    }
    rows
}

fn taken(cell: &mut Cell) -> Cell {
    std::mem::replace(cell, Cell { is_null: true, ..Cell::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_as_they_are_written() {
        let rows = read("id,\"a, \"\"b\"\"\"\r\n1,\r\n2,\"\"\r\n3,\"x\ny\"\r\n");
        let texts: Vec<Vec<(&str, bool)>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| (cell.text.as_str(), cell.is_null)).collect())
            .collect();
        assert_eq!(
            texts,
            [
                vec![("id", false), ("a, \"b\"", false)],
                vec![("1", false), ("", true)],
                vec![("2", false), ("", false)],
                vec![("3", false), ("x\ny", false)],
            ]
        );
    }
}
