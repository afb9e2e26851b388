//! CSV (RFC 4180).

use tidegate_batch::{Column, DataType, PADDING_BYTES, PaddedCell};

use crate::{
    CellFault, Counts, Encoder, Format, FormatError, Layout, OptionKind, OptionSpec, Options,
    compress, flatten,
    framing::{Frame, TextEncoder},
    text::{
        Glue, Out, binary,
        class::ByteClass,
        formula::is_formula,
        json::JsonStyle,
        list,
        row::{Dialect, ListCell, Place, RowPlan},
    },
};

/// Characters that values other than text are written with, besides letters and digits. A
/// delimiter among them makes quotes necessary everywhere.
const VALUE_CHARACTERS: &[u8] = b"+-.:/=";

const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();

const OPTIONS: &[OptionSpec] = &[
    OptionSpec {
        slug: "profile",
        label: "Profile",
        help: "`spreadsheet` neutralises text that a spreadsheet would run as a formula, and \
               writes a byte order mark and CRLF; `exact` changes nothing.",
        kind: OptionKind::Choice(&["exact", "spreadsheet"]),
        default: "exact",
    },
    OptionSpec {
        slug: "delimiter",
        label: "Delimiter",
        help: "Stands between the cells of a row.",
        kind: OptionKind::Character,
        default: ",",
    },
    OptionSpec {
        slug: "quote_all",
        label: "Quote all cells",
        help: "Puts quotes around every cell but NULL, not only where they are needed.",
        kind: OptionKind::Flag,
        default: "false",
    },
    OptionSpec {
        slug: "bom",
        label: "Byte order mark",
        help: "Starts the file with a mark by which spreadsheets know UTF-8; `auto` goes by the \
               profile.",
        kind: OptionKind::Choice(&["auto", "true", "false"]),
        default: "auto",
    },
    OptionSpec {
        slug: "newline",
        label: "Line end",
        help: "Ends each row; `auto` goes by the profile.",
        kind: OptionKind::Choice(&["auto", "lf", "crlf"]),
        default: "auto",
    },
    compress::OPTION,
];

/// Header and one row a record.
pub(crate) struct Csv;

impl Format for Csv {
    fn slug(&self) -> &'static str {
        "csv"
    }

    fn label(&self) -> &'static str {
        "CSV"
    }

    fn media_type(&self) -> &'static str {
        "text/csv; charset=utf-8"
    }

    fn options(&self) -> &'static [OptionSpec] {
        OPTIONS
    }

    fn encoder(&self, layout: Layout) -> Result<Box<dyn Encoder>, FormatError> {
        flatten::check_flat_names(&layout.schema)?;
        let dialect = CsvDialect::new(&layout.options);
        let end: &[u8] = if has_crlf(&layout.options) { b"\r\n" } else { b"\n" };
        let places = layout.schema.visible().iter().enumerate();
        let places = places.map(|(index, column)| dialect.place(index, column)).collect();
        let frame = dialect.frame(&layout, end);
        let rows = RowPlan::new(&layout, places, end);
        Ok(Box::new(TextEncoder::new(rows, dialect, frame, &layout.options)))
    }
}

fn is_spreadsheet(options: &Options) -> bool {
    options.is("profile", "spreadsheet")
}

fn has_crlf(options: &Options) -> bool {
    options.is("newline", "crlf") || (options.is("newline", "auto") && is_spreadsheet(options))
}

fn has_bom(options: &Options) -> bool {
    options.is("bom", "true") || (options.is("bom", "auto") && is_spreadsheet(options))
}

struct CsvDialect {
    delimiter: u8,
    /// Bytes that make quotes necessary.
    special: ByteClass<4, false>,
    quotes_all: bool,
    /// Whether formulas are neutralised.
    is_guarded: bool,
}

impl CsvDialect {
    fn new(options: &Options) -> Self {
        let delimiter = options.text("delimiter").as_bytes()[0];
        Self {
            delimiter,
            special: ByteClass::new([delimiter, b'"', b'\r', b'\n']),
            quotes_all: options.is_on("quote_all"),
            is_guarded: is_spreadsheet(options),
        }
    }

    /// Whether quotes stand around each value of the column, so that no value needs a look.
    fn quotes_column(&self, data_type: &DataType) -> bool {
        match data_type {
            DataType::Text => self.quotes_all,
            DataType::Json | DataType::List(_) => true,
            // Base64 can start with a plus sign; what is neutralised stands in quotes.
            DataType::Bytes if self.is_guarded => true,
            DataType::Boolean
            | DataType::Integer
            | DataType::Float32
            | DataType::Float64
            | DataType::Decimal(_)
            | DataType::Bytes
            | DataType::Date
            | DataType::Time
            | DataType::Timestamp
            | DataType::TimestampTz
            | DataType::Uuid
            | DataType::Interval => self.quotes_all || VALUE_CHARACTERS.contains(&self.delimiter),
        }
    }

    fn place(&self, index: usize, column: &Column) -> Place {
        let delimiter: &[u8] = if index == 0 { b"" } else { &[self.delimiter] };
        let quote: &[u8] = if self.quotes_column(&column.data_type) { b"\"" } else { b"" };
        Place {
            column: index,
            before: Glue::new(&[delimiter, quote].concat()),
            after: Glue::new(quote),
            null: Glue::new(delimiter),
            word_quote: None,
        }
    }

    fn frame(&self, layout: &Layout, end: &[u8]) -> Frame {
        let mut counts = Counts::default();
        let mut head = Vec::new();
        if has_bom(&layout.options) {
            head.extend_from_slice(BYTE_ORDER_MARK);
        }
        for (index, column) in layout.schema.visible().iter().enumerate() {
            let header = Column::new("", DataType::Text);
            let place = self.place(index, &header);
            let mut out = Out::on(&mut head);
            out.glue(&place.before);
            self.text(&mut out, column.name().as_bytes().into(), &mut counts);
            out.glue(&place.after);
            out.finish();
        }
        head.extend_from_slice(end);
        Frame { head, counts, ..Frame::default() }
    }

    /// Writes text in quotes, unless its column has them already.
    #[cold]
    #[inline(never)]
    fn quoted_text(&self, vec: &mut Vec<u8>, cell: PaddedCell<'_>, counts: &mut Counts) {
        let quote: &[u8] = if self.quotes_all { b"" } else { b"\"" };
        let mut out = Out::on(vec);
        out.slice(quote);
        if self.is_guarded && is_formula(cell.bytes()) {
            out.byte(b'\'');
            counts.neutralised += 1;
        }
        out.doubled(cell, b'"');
        out.slice(quote);
        out.finish();
    }
}

impl Dialect for CsvDialect {
    #[inline(always)]
    fn text(&self, out: &mut Out<'_>, cell: PaddedCell<'_>, counts: &mut Counts) {
        let needs_quotes = cell.is_empty() && !self.quotes_all;
        if !needs_quotes && (!self.is_guarded || !is_formula(cell.bytes())) {
            let plain = out.while_plain(cell, &self.special);
            if plain == cell.len() {
                return;
            }
            out.take_back(plain);
        }
        // An empty string has quotes, to tell it from NULL.
        out.with_vec(|vec| self.quoted_text(vec, cell, counts));
    }

    #[inline(always)]
    fn document(&self, out: &mut Out<'_>, cell: PaddedCell<'_>, _counts: &mut Counts) {
        out.doubled(cell, b'"');
    }

    fn octets(&self, vec: &mut Vec<u8>, octets: &[u8], counts: &mut Counts) {
        if octets.is_empty() && !self.quotes_column(&DataType::Bytes) {
            // As for text: no octets have quotes, to tell them from NULL.
            vec.extend_from_slice(b"\"\"");
            return;
        }
        let start = vec.len();
        binary::base64(vec, octets);
        if self.is_guarded && is_formula(&vec[start..]) {
            vec.insert(start, b'\'');
            counts.neutralised += 1;
        }
    }

    fn list(
        &self,
        vec: &mut Vec<u8>,
        list: ListCell<'_>,
        _counts: &mut Counts,
    ) -> Result<(), CellFault> {
        let text = list.scratch;
        text.clear();
        let style = JsonStyle { zone: list.zone, has_numbers_as_strings: false };
        list::render(text, list.json, list.item, style)?;
        let length = text.len();
        text.resize(length + PADDING_BYTES, 0);
        let mut out = Out::on(vec);
        out.doubled(PaddedCell::within(text, length).expect("the text was just padded"), b'"');
        out.finish();
        Ok(())
    }
}
