//! The small parts of a workbook: what it consists of, and what the parts are to each other.

use std::fmt::Write;

use super::names::{column_letters, sheet_name};
use crate::text::xml;

/// Start of every part.
pub(super) const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
/// Namespace of sheets, styles and the workbook.
pub(super) const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
/// Namespace of references to other parts, and start of the types of relations.
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const SPREADSHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";
const DOCUMENT: &str = "application/vnd.openxmlformats-officedocument";
const APPLICATION: &str = "Tidegate";

pub(super) const ROOT_RELATIONS: &str = "_rels/.rels";
pub(super) const STYLES: &str = "xl/styles.xml";
pub(super) const WORKBOOK: &str = "xl/workbook.xml";
pub(super) const WORKBOOK_RELATIONS: &str = "xl/_rels/workbook.xml.rels";
pub(super) const APP: &str = "docProps/app.xml";
pub(super) const CORE: &str = "docProps/core.xml";
pub(super) const CONTENT_TYPES: &str = "[Content_Types].xml";

/// Name of the sheet's part, by its number from 1.
pub(super) fn sheet_part(number: usize) -> String {
    format!("xl/worksheets/sheet{number}.xml")
}

/// The workbook: its title, its width, and the rows of each sheet, the header among them.
pub(super) struct Workbook<'a> {
    pub(super) title: &'a str,
    pub(super) columns: usize,
    pub(super) sheet_rows: &'a [usize],
}

/// How the parts at the top are found.
pub(super) fn root_relations() -> String {
    format!(
        "{XML}<Relationships xmlns=\"{PACKAGE}/relationships\">\
         <Relationship Id=\"rId1\" Type=\"{OFFICE}/officeDocument\" Target=\"{WORKBOOK}\"/>\
         <Relationship Id=\"rId2\" Type=\"{PACKAGE}/relationships/metadata/core-properties\" \
         Target=\"{CORE}\"/>\
         <Relationship Id=\"rId3\" Type=\"{OFFICE}/extended-properties\" Target=\"{APP}\"/>\
         </Relationships>"
    )
}

/// Which program wrote the file.
pub(super) fn app_properties() -> String {
    format!(
        "{XML}<Properties xmlns=\"http://schemas.openxmlformats.org/officeDocument/2006/\
         extended-properties\"><Application>{APPLICATION}</Application></Properties>"
    )
}

/// What the file is about.
pub(super) fn core_properties(title: &str) -> String {
    format!(
        "{XML}<cp:coreProperties xmlns:cp=\"{PACKAGE}/metadata/core-properties\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title>{}</dc:title>\
         <dc:creator>{APPLICATION}</dc:creator></cp:coreProperties>",
        escaped(title)
    )
}

impl Workbook<'_> {
    /// The part that lists the sheets, with the ranges of their filters and what print repeats.
    pub(super) fn part(&self) -> String {
        let (mut sheets, mut filters, mut titles) = (String::new(), String::new(), String::new());
        for (index, rows) in self.sheet_rows.iter().enumerate() {
            let number = index + 1;
            let name = escaped(&sheet_name(self.title, number));
            let quoted = name.replace('\'', "''");
            let range = match self.columns.checked_sub(1) {
                Some(last) => format!("$A$1:${}${}", column_letters(last), rows),
                None => "$A$1".to_owned(),
            };
            let sheet =
                format!("<sheet name=\"{name}\" sheetId=\"{number}\" r:id=\"rId{number}\"/>");
            sheets.push_str(&sheet);
            filters.push_str(&format!(
                "<definedName name=\"_xlnm._FilterDatabase\" localSheetId=\"{index}\" \
                 hidden=\"1\">'{quoted}'!{range}</definedName>"
            ));
            titles.push_str(&format!(
                "<definedName name=\"_xlnm.Print_Titles\" localSheetId=\"{index}\">\
                 '{quoted}'!$1:$1</definedName>"
            ));
        }
        format!(
            "{XML}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><bookViews><workbookView \
             xWindow=\"0\" yWindow=\"0\" windowWidth=\"28800\" windowHeight=\"15600\"/></bookViews>\
             <sheets>{sheets}</sheets><definedNames>{filters}{titles}</definedNames></workbook>"
        )
    }

    /// Where the workbook's parts are.
    pub(super) fn relations(&self) -> String {
        let mut relations = String::new();
        for number in 1..=self.sheet_rows.len() {
            write!(
                relations,
                "<Relationship Id=\"rId{number}\" Type=\"{OFFICE}/worksheet\" \
                 Target=\"worksheets/sheet{number}.xml\"/>"
            )
            .expect("a string takes all");
        }
        let styles = self.sheet_rows.len() + 1;
        format!(
            "{XML}<Relationships xmlns=\"{PACKAGE}/relationships\">{relations}\
             <Relationship Id=\"rId{styles}\" Type=\"{OFFICE}/styles\" Target=\"styles.xml\"/>\
             </Relationships>"
        )
    }

    /// What each part is.
    pub(super) fn content_types(&self) -> String {
        let mut sheets = String::new();
        for number in 1..=self.sheet_rows.len() {
            write!(
                sheets,
                "<Override PartName=\"/{}\" ContentType=\"{SPREADSHEET}.worksheet+xml\"/>",
                sheet_part(number)
            )
            .expect("a string takes all");
        }
        format!(
            "{XML}<Types xmlns=\"{PACKAGE}/content-types\">\
             <Default Extension=\"rels\" \
             ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
             <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
             <Override PartName=\"/{WORKBOOK}\" ContentType=\"{SPREADSHEET}.sheet.main+xml\"/>\
             {sheets}<Override PartName=\"/{STYLES}\" ContentType=\"{SPREADSHEET}.styles+xml\"/>\
             <Override PartName=\"/{CORE}\" \
             ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/>\
             <Override PartName=\"/{APP}\" ContentType=\"{DOCUMENT}.extended-properties+xml\"/>\
             </Types>"
        )
    }
}

/// Text that is fit for attributes and elements.
fn escaped(text: &str) -> String {
    let mut bytes = Vec::new();
    xml::attribute(&mut bytes, text);
    String::from_utf8(bytes).expect("escapes are ASCII")
}
