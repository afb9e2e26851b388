//! What one database says differently.

use sea_query::{BinOper, Expr, ExprTrait, Func, SelectStatement, Values};
use tidegate_batch::{DataType, ItemField, Wire};
use tidegate_model::{
    catalog::CatalogColumn,
    query::{Comparison, Literal, Place},
};

use super::Binder;
use crate::SourceError;

/// Character that takes the meaning from `%` and `_`. Not the backslash, whose own meaning hangs
/// on the database's settings.
const LIKE_ESCAPE: char = '!';

/// A place in a row: what the statement calls it, and what is known about its type.
#[derive(Clone, Debug)]
pub(crate) struct Operand<'a> {
    /// The place as the statement reaches it: `"t"."id"`, a path into JSON, a subquery.
    pub(crate) expr: Expr,
    /// Type that the field declares; it wins over the catalog's.
    pub(crate) data_type: &'a DataType,
    /// The column behind it, where it is a column as such.
    pub(crate) column: Option<&'a CatalogColumn>,
}

impl Operand<'_> {
    /// Whether the catalog gives the column the very type that the field declares.
    pub(crate) fn is_as_declared(&self) -> bool {
        self.column.is_some_and(|column| column.data_type == *self.data_type)
    }
}

/// The rows of another table that belong to one of ours.
pub(crate) struct Lines<'a> {
    /// `from` and `where`, without a select list yet; the table goes by [`Lines::ALIAS`].
    pub(crate) rows: SelectStatement,
    /// Fields of each record and where they are.
    pub(crate) items: Vec<(&'a ItemField, Operand<'a>)>,
    /// Columns that order the list.
    pub(crate) order: Vec<Expr>,
}

impl Lines<'_> {
    /// Name of the other table inside the subquery.
    pub(crate) const ALIAS: &'static str = "l";
}

/// A place inside a JSON column.
pub(crate) struct JsonPlace<'a> {
    /// The column that holds the document.
    pub(crate) document: Expr,
    /// What the catalog says of the column; nothing inside of a union.
    pub(crate) column: Option<&'a CatalogColumn>,
    /// Keys on the way to the place.
    pub(crate) path: &'a [String],
    /// Type that the field declares.
    pub(crate) data_type: &'a DataType,
    /// What it is reached for.
    pub(crate) purpose: Purpose,
}

/// What a place in a row is reached for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The select list: the reader gets it as it is.
    Selection,
    /// A comparison or a sort.
    Condition,
    /// A member of a union, whose rows may be selected, compared and sorted by.
    Member,
}

/// What one database says differently. Each method has the expression for one thing.
pub(crate) trait Dialect: Sync {
    /// Renders with the database's quotes and placeholders.
    fn render(&self, select: &SelectStatement) -> (String, Values);

    /// A literal, bound and cast so that the operand's own comparison (and index) applies.
    fn literal(&self, literal: &Literal, operand: &Operand<'_>, binder: &mut Binder) -> Expr;

    /// The operand as a comparison takes it; cast where the field declares another type.
    fn compared(&self, operand: &Operand<'_>) -> Expr;

    /// The operand as text, to be searched in.
    fn text(&self, operand: &Operand<'_>) -> Expr;

    /// The operand in the select list, in a form that the source's reader decodes.
    fn selected(&self, operand: &Operand<'_>) -> Expr;

    /// Layout of the cells that come of [`Dialect::selected`].
    fn wire(&self, operand: &Operand<'_>) -> Wire;

    /// A place inside a JSON column, as text unless the type is JSON; NULL where it is missing.
    fn json_path(&self, place: JsonPlace<'_>, binder: &mut Binder) -> Expr;

    /// The lines as a JSON array of objects in their order; `[]` where there are none. Numbers
    /// have all their digits, dates and times are ISO 8601, octets are hexadecimal text.
    fn lines(&self, lines: Lines<'_>, binder: &mut Binder) -> Expr;

    /// The operand as the sort takes it.
    fn sorted(&self, operand: &Operand<'_>) -> Expr {
        operand.expr.clone()
    }

    /// What tells the operand's place in the order: compares as [`Dialect::sorted`] sorts.
    fn placed(&self, operand: &Operand<'_>) -> Expr {
        self.sorted(operand)
    }

    /// [`Dialect::placed`] as a text that [`Dialect::anchored`] takes back without loss.
    fn anchor(&self, operand: &Operand<'_>) -> Expr;

    /// The value that an anchor of this operand has told.
    ///
    /// # Errors
    ///
    /// If it is not one that [`Dialect::anchor`] gives.
    fn anchored(
        &self,
        text: &str,
        operand: &Operand<'_>,
        binder: &mut Binder,
    ) -> Result<Expr, SourceError>;

    /// Whether an index serves a comparison of whole rows.
    fn seeks_by_rows(&self) -> bool {
        false
    }

    /// A comparison; equality heeds letter case and trailing spaces.
    fn compare(
        &self,
        operand: &Operand<'_>,
        comparison: Comparison,
        literal: &Literal,
        binder: &mut Binder,
    ) -> Expr {
        let right = self.literal(literal, operand, binder);
        self.compared(operand).binary(comparison_operator(comparison), right)
    }

    /// Equality with one of up to 10,000 values, at least one.
    fn is_in(&self, operand: &Operand<'_>, literals: &[Literal], binder: &mut Binder) -> Expr {
        is_in_list(self.compared(operand), literals, |literal| {
            self.literal(literal, operand, binder)
        })
    }

    /// Equality of several columns with one of up to 10,000 keys, at least one.
    fn keys_in(&self, key: &[Operand<'_>], keys: &[Vec<Literal>], binder: &mut Binder) -> Expr {
        let left = key.iter().map(|operand| self.compared(operand)).collect();
        keys_in_list(left, keys, |literal, at| self.literal(literal, &key[at], binder))
    }

    /// Whether the text holds another one, not empty, letter case aside.
    fn matches(
        &self,
        operand: &Operand<'_>,
        place: Place,
        text: &str,
        binder: &mut Binder,
    ) -> Expr {
        let pattern = binder.bind_text(like_pattern(place, text));
        matches_like(self.text(operand), pattern)
    }
}

/// A word or number of ours in the text of a statement; never a value of a request.
pub(crate) fn constant(value: impl Into<sea_query::Value>) -> Expr {
    Expr::Constant(value.into())
}

/// The operator of a comparison.
pub(crate) fn comparison_operator(comparison: Comparison) -> BinOper {
    match comparison {
        Comparison::Eq => BinOper::Equal,
        Comparison::Lt => BinOper::SmallerThan,
        Comparison::Lte => BinOper::SmallerThanOrEqual,
        Comparison::Gt => BinOper::GreaterThan,
        Comparison::Gte => BinOper::GreaterThanOrEqual,
    }
}

/// `left in (…)` with one bound value for each literal.
pub(crate) fn is_in_list(
    left: Expr,
    literals: &[Literal],
    mut bind: impl FnMut(&Literal) -> Expr,
) -> Expr {
    left.binary(BinOper::In, Expr::tuple(literals.iter().map(&mut bind).collect::<Vec<_>>()))
}

/// `(a, b) in ((…, …), …)` with one bound value for each part of each key.
pub(crate) fn keys_in_list(
    left: Vec<Expr>,
    keys: &[Vec<Literal>],
    mut bind: impl FnMut(&Literal, usize) -> Expr,
) -> Expr {
    let rows: Vec<Expr> = keys
        .iter()
        .map(|key| {
            let parts: Vec<Expr> =
                key.iter().enumerate().map(|(at, literal)| bind(literal, at)).collect();
            Expr::tuple(parts)
        })
        .collect();
    Expr::tuple(left).binary(BinOper::In, Expr::tuple(rows))
}

/// The pattern of a `like`, with [`LIKE_ESCAPE`] before each character that would mean another.
pub(crate) fn like_pattern(place: Place, text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    if matches!(place, Place::Anywhere | Place::End) {
        pattern.push('%');
    }
    for character in text.chars() {
        if matches!(character, '%' | '_' | LIKE_ESCAPE) {
            pattern.push(LIKE_ESCAPE);
        }
        pattern.push(character);
    }
    if matches!(place, Place::Anywhere | Place::Start) {
        pattern.push('%');
    }
    pattern
}

/// `lower(text) like lower(pattern) escape '!'`.
pub(crate) fn matches_like(text: Expr, pattern: Expr) -> Expr {
    let escape = constant(LIKE_ESCAPE.to_string());
    let pattern = Expr::from(Func::lower(pattern)).binary(BinOper::Escape, escape);
    Expr::from(Func::lower(text)).binary(BinOper::Like, pattern)
}
