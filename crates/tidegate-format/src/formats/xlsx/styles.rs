//! Fonts, fills and number formats of a workbook.

use std::fmt::Write;

use tidegate_batch::{DataType, Schema};

use super::parts::{MAIN, XML};

/// Digits behind the point that a number format may ask for.
const SCALE_MAX: u16 = 30;
/// First number that a format of our own may have.
const FORMAT_FIRST: usize = 164;

/// How a cell is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Normal,
    /// Names of the columns: bold, on grey, with a line below.
    Header,
    Date,
    /// Date and time, to the second; the cell holds all of it.
    DateTime,
    Time,
    /// `TRUE` and `FALSE`, also in LibreOffice, which shows numbers without a format.
    Boolean,
    /// Text of several lines.
    Lines,
    /// All digits, also where there are many.
    Integer,
    /// That many digits behind the point.
    Decimal(u16),
}

impl Style {
    /// The style of a type's values.
    pub(super) fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Date => Self::Date,
            DataType::Time => Self::Time,
            DataType::Timestamp | DataType::TimestampTz => Self::DateTime,
            DataType::Decimal(Some((_, scale))) => Self::Decimal((*scale).min(SCALE_MAX)),
            DataType::Boolean => Self::Boolean,
            DataType::Integer
            | DataType::Float32
            | DataType::Float64
            | DataType::Decimal(None)
            | DataType::Text
            | DataType::Bytes
            | DataType::Uuid
            | DataType::Interval
            | DataType::Json
            | DataType::List(_) => Self::Normal,
        }
    }

    fn number_format(self) -> Option<String> {
        match self {
            Self::Normal | Self::Header | Self::Lines => None,
            Self::Boolean => Some("&quot;TRUE&quot;;&quot;TRUE&quot;;&quot;FALSE&quot;".to_owned()),
            Self::Date => Some("yyyy\\-mm\\-dd".to_owned()),
            Self::DateTime => Some("yyyy\\-mm\\-dd\\ hh:mm:ss".to_owned()),
            Self::Time => Some("hh:mm:ss".to_owned()),
            Self::Integer | Self::Decimal(0) => Some("0".to_owned()),
            Self::Decimal(scale) => Some(format!("0.{}", "0".repeat(scale.into()))),
        }
    }
}

/// The styles that a workbook uses, in the order of their numbers.
pub(super) struct Styles(Vec<Style>);

impl Styles {
    /// The styles for columns of these types.
    pub(super) fn of(schema: &Schema) -> Self {
        let mut styles = vec![Style::Normal, Style::Header, Style::Lines, Style::Integer];
        for style in schema.visible().iter().map(|column| Style::of(&column.data_type)) {
            if !styles.contains(&style) {
                styles.push(style);
            }
        }
        Self(styles)
    }

    /// Number of a style, as cells name it.
    pub(super) fn index(&self, style: Style) -> usize {
        self.0.iter().position(|known| *known == style).expect("every style in use is known")
    }

    /// The part `xl/styles.xml`.
    pub(super) fn part(&self) -> String {
        let (mut formats, mut count, mut cells) = (String::new(), 0, String::new());
        for style in &self.0 {
            let format = style.number_format().map_or(0, |code| {
                let id = FORMAT_FIRST + count;
                count += 1;
                write!(formats, "<numFmt numFmtId=\"{id}\" formatCode=\"{code}\"/>")
                    .expect("a string takes all");
                id
            });
            cells.push_str(&cell_style(*style, format));
        }
        let styles = self.0.len();
        format!(
            "{XML}<styleSheet xmlns=\"{MAIN}\"><numFmts count=\"{count}\">{formats}</numFmts>\
             {FONTS}{FILLS}{BORDERS}{BASE}<cellXfs count=\"{styles}\">{cells}</cellXfs>{NAMES}\
             </styleSheet>"
        )
    }
}

const FONTS: &str = "<fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/>\
    <family val=\"2\"/></font><font><b/><sz val=\"11\"/><name val=\"Calibri\"/>\
    <family val=\"2\"/></font></fonts>";
// The first two fills are given; ours is the third.
const FILLS: &str = "<fills count=\"3\"><fill><patternFill patternType=\"none\"/></fill>\
    <fill><patternFill patternType=\"gray125\"/></fill><fill><patternFill patternType=\"solid\">\
    <fgColor rgb=\"FFEDEFF2\"/><bgColor indexed=\"64\"/></patternFill></fill></fills>";
const BORDERS: &str = "<borders count=\"2\"><border><left/><right/><top/><bottom/><diagonal/>\
    </border><border><left/><right/><top/><bottom style=\"thin\"><color rgb=\"FF9AA3AE\"/></bottom>\
    <diagonal/></border></borders>";
const BASE: &str = "<cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" \
    borderId=\"0\"/></cellStyleXfs>";
const NAMES: &str = "<cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" \
    builtinId=\"0\"/></cellStyles>";

fn cell_style(style: Style, format: usize) -> String {
    let (font, fill, border, alignment) = match style {
        Style::Header => (1, 2, 1, "<alignment vertical=\"center\"/>"),
        Style::Lines => (0, 0, 0, "<alignment vertical=\"top\" wrapText=\"1\"/>"),
        Style::Normal
        | Style::Date
        | Style::DateTime
        | Style::Time
        | Style::Boolean
        | Style::Integer
        | Style::Decimal(_) => (0, 0, 0, ""),
    };
    let flag = |name: &str, is_on: bool| match is_on {
        true => format!(" {name}=\"1\""),
        false => String::new(),
    };
    let flags = [
        flag("applyNumberFormat", format > 0),
        flag("applyFont", font > 0),
        flag("applyFill", fill > 0),
        flag("applyBorder", border > 0),
        flag("applyAlignment", !alignment.is_empty()),
    ];
    format!(
        "<xf numFmtId=\"{format}\" fontId=\"{font}\" fillId=\"{fill}\" borderId=\"{border}\" \
         xfId=\"0\"{}>{alignment}</xf>",
        flags.concat()
    )
}
