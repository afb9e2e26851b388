//! What stands around the rows of a sheet: panes, widths and header before, filter behind.

use std::fmt::Write;

use super::{
    names::column_letters,
    parts::{MAIN, XML},
};

/// Height of the header, in points.
const HEADER_HEIGHT: usize = 18;
/// Widest table, in characters, that is printed on one page's width: beyond, nobody could read it.
const PRINTED_WIDTH_MAX: usize = 240;
/// What Excel adds to a width in characters for its padding, in hundredths.
const PADDING_HUNDREDTHS: usize = 71;

/// Everything before the rows; `header` are the cells of the first one.
pub(super) fn head(widths: &[usize], header: &[u8], is_first: bool) -> Vec<u8> {
    let selected = if is_first { " tabSelected=\"1\"" } else { "" };
    let fit =
        if fits_page(widths) { "<sheetPr><pageSetUpPr fitToPage=\"1\"/></sheetPr>" } else { "" };
    let mut columns = String::new();
    for (index, width) in widths.iter().enumerate() {
        let number = index + 1;
        write!(
            columns,
            "<col min=\"{number}\" max=\"{number}\" width=\"{width}.{PADDING_HUNDREDTHS}\" \
             customWidth=\"1\"/>"
        )
        .expect("a string takes all");
    }
    let columns = if columns.is_empty() { columns } else { format!("<cols>{columns}</cols>") };
    let head = format!(
        "{XML}<worksheet xmlns=\"{MAIN}\">{fit}<sheetViews><sheetView{selected} \
         workbookViewId=\"0\"><pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" \
         state=\"frozen\"/><selection pane=\"bottomLeft\" activeCell=\"A2\" sqref=\"A2\"/>\
         </sheetView></sheetViews><sheetFormatPr defaultRowHeight=\"15\"/>{columns}<sheetData>\
         <row ht=\"{HEADER_HEIGHT}\" customHeight=\"1\">"
    );
    [head.as_bytes(), header, b"</row>"].concat()
}

/// Everything behind the rows; `rows` counts the header.
pub(super) fn tail(widths: &[usize], rows: usize) -> Vec<u8> {
    let range = match widths.len().checked_sub(1) {
        Some(last) => format!("A1:{}{rows}", column_letters(last)),
        None => "A1".to_owned(),
    };
    let fit = if fits_page(widths) { " fitToHeight=\"0\"" } else { "" };
    // Digits that are text on purpose need no green corner.
    format!(
        "</sheetData><autoFilter ref=\"{range}\"/><printOptions gridLines=\"1\"/>\
         <pageMargins left=\"0.4\" right=\"0.4\" \
         top=\"0.5\" bottom=\"0.5\" header=\"0.3\" footer=\"0.3\"/><pageSetup{fit} \
         orientation=\"landscape\"/><headerFooter><oddFooter>&amp;L&amp;A&amp;R&amp;P / &amp;N\
         </oddFooter></headerFooter><ignoredErrors><ignoredError sqref=\"{range}\" \
         numberStoredAsText=\"1\"/></ignoredErrors></worksheet>"
    )
    .into_bytes()
}

fn fits_page(widths: &[usize]) -> bool {
    widths.iter().sum::<usize>() <= PRINTED_WIDTH_MAX
}
