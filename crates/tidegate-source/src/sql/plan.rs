//! Turns a query into statements: the stream, the count and a page.

use std::sync::Arc;

use sea_query::{
    ColumnName, Expr, ExprTrait, Func, NullOrdering, Order, Query as Sql, SchemaName,
    SelectStatement, TableRef, UnionType,
};
use tidegate_batch::{Column, DataType, Schema};
use tidegate_model::{
    catalog::{Relation, TableName, UnionMember},
    field::{Field, Origin, Reference},
    query::{Literal, Query, Selected, SortKey},
};

use super::{
    Bind, Binder, Catalog, Dialect, JsonPlace, Lines, Operand, Purpose, Statement,
    catalog::{KIND_COLUMN, relation_name},
    condition::{balanced, condition},
    constant,
};
use crate::{Page, SourceError, Start};

/// Name of the query's own relation inside a statement.
const OWN: &str = "t";
/// Slug of the columns that tell a row's place in the order; no field has a space in its own.
const ANCHOR: &str = "tidegate anchor";
/// Name of a referenced table inside its subquery.
const JOINED: &str = "j";

/// A query, what the catalog says of it, and the dialect to say it in.
pub(crate) struct Plan<'a> {
    query: &'a Query,
    catalog: &'a Catalog,
    dialect: &'a dyn Dialect,
    /// Whether rows tell their place in the order.
    is_anchored: bool,
}

/// A column of the query's own relation, as a condition of a reader's share names it.
pub(crate) fn own_column(name: &str) -> Expr {
    column_of(OWN, name)
}

impl<'a> Plan<'a> {
    pub(crate) fn new(query: &'a Query, catalog: &'a Catalog, dialect: &'a dyn Dialect) -> Self {
        Self { query, catalog, dialect, is_anchored: false }
    }

    /// The same, for a page: rows that are sought tell their anchors.
    pub(crate) fn for_page(self, page: &Page) -> Self {
        Self { is_anchored: matches!(page.start, Start::Seek(_)), ..self }
    }

    /// Columns of the anchors, which come behind those of all fields.
    pub(crate) fn anchors(&self) -> usize {
        if self.is_anchored { self.query.sort.len() } else { 0 }
    }

    pub(super) fn sort(&self) -> &'a [SortKey] {
        &self.query.sort
    }

    pub(super) fn key(&self) -> &'a [Field] {
        &self.query.key
    }

    pub(super) fn lets_everything_through(&self) -> bool {
        self.query.predicate.is_everything()
    }

    pub(super) fn dialect(&self) -> &'a dyn Dialect {
        self.dialect
    }

    /// The fields in the order of the select list: hidden ones last.
    pub(crate) fn fields(&self) -> Vec<&'a Selected> {
        let (hidden, visible): (Vec<_>, Vec<_>) =
            self.query.fields.iter().partition(|selected| selected.is_hidden);
        visible.into_iter().chain(hidden).collect()
    }

    /// Columns of the batches that the select list fills.
    ///
    /// # Errors
    ///
    /// If a field has no place in the relation.
    pub(crate) fn schema(&self) -> Result<Arc<Schema>, SourceError> {
        let columns =
            self.fields().into_iter().zip(self.operands()?).map(|(selected, operand)| Column {
                slug: selected.field.slug.clone(),
                alias: selected.alias.clone(),
                data_type: selected.field.data_type.clone(),
                wire: self.dialect.wire(&operand),
                is_hidden: selected.is_hidden,
            });
        let anchors = (0..self.anchors()).map(|at| Column {
            is_hidden: true,
            ..Column::new(format!("{ANCHOR} {at}"), DataType::Text)
        });
        Ok(Arc::new(Schema::new(columns.chain(anchors).collect())))
    }

    /// Where the fields of the select list are, in its order.
    ///
    /// # Errors
    ///
    /// If a field has no place in the relation.
    pub(crate) fn operands(&self) -> Result<Vec<Operand<'a>>, SourceError> {
        let mut binder = Binder::new();
        self.fields()
            .into_iter()
            .map(|selected| self.operand(&selected.field, &mut binder))
            .collect()
    }

    /// All rows in their order. `share`, a reader's part of the relation, comes last among the
    /// conditions, so that its placeholders are the last ones of the statement.
    ///
    /// # Errors
    ///
    /// If a field has no place in the relation.
    pub(crate) fn stream(&self, share: Option<Expr>) -> Result<Statement, SourceError> {
        let mut binder = Binder::new();
        let mut select = self.list(&mut binder)?;
        self.filter(&mut select, &mut binder)?;
        if let Some(share) = share {
            select.and_where(share);
        }
        self.order(&mut select, &mut binder)?;
        Ok(self.render(&select))
    }

    /// Rows of a share, in the order of the position, which stands behind the columns. The values
    /// of the share's condition are the last ones of the statement.
    ///
    /// # Errors
    ///
    /// If a field has no place in the relation.
    pub(crate) fn share(&self, condition: Expr, position: Expr) -> Result<Statement, SourceError> {
        let mut binder = Binder::new();
        let mut select = self.list(&mut binder)?;
        select.expr_as(position.clone(), "position");
        self.filter(&mut select, &mut binder)?;
        select.and_where(condition).order_by_expr(position, Order::Asc);
        Ok(self.render(&select))
    }

    /// One page of rows in their order.
    ///
    /// # Errors
    ///
    /// If a field has no place in the relation.
    pub(crate) fn page(&self, page: &Page) -> Result<Statement, SourceError> {
        let offset = match &page.start {
            Start::Skip(rows) => *rows,
            Start::Seek(seek) => return self.seek(seek, page.limit),
        };
        let mut binder = Binder::new();
        let mut select = self.list(&mut binder)?;
        self.filter(&mut select, &mut binder)?;
        self.order(&mut select, &mut binder)?;
        select.limit(page.limit).offset(offset);
        Ok(self.render(&select))
    }

    /// How many rows match.
    ///
    /// # Errors
    ///
    /// If a field has no place in the relation.
    pub(crate) fn count(&self) -> Result<Statement, SourceError> {
        self.count_share(None)
    }

    /// How many rows of a share match. The values of its condition are the last ones.
    ///
    /// # Errors
    ///
    /// If a field has no place in the relation.
    pub(crate) fn count_share(&self, condition: Option<Expr>) -> Result<Statement, SourceError> {
        let mut binder = Binder::new();
        let mut select = Sql::select();
        select.expr(Func::count(Expr::cust("*")));
        self.from(&mut select, &mut binder)?;
        self.filter(&mut select, &mut binder)?;
        if let Some(condition) = condition {
            select.and_where(condition);
        }
        Ok(self.render(&select))
    }

    pub(super) fn list(&self, binder: &mut Binder) -> Result<SelectStatement, SourceError> {
        let mut select = Sql::select();
        for (index, selected) in self.fields().into_iter().enumerate() {
            let operand = self.operand_for(Purpose::Selection, &selected.field, binder)?;
            select.expr_as(self.dialect.selected(&operand), format!("c{index}"));
        }
        if self.query.fields.is_empty() {
            select.expr(Expr::cust("NULL"));
        }
        for (index, key) in self.query.sort.iter().take(self.anchors()).enumerate() {
            let operand = self.operand(&key.field, binder)?;
            select.expr_as(self.dialect.anchor(&operand), format!("a{index}"));
        }
        self.from(&mut select, binder)?;
        Ok(select)
    }

    pub(super) fn from(
        &self,
        select: &mut SelectStatement,
        binder: &mut Binder,
    ) -> Result<(), SourceError> {
        match &self.query.relation {
            Relation::Table(table) => {
                select.from(table_ref(table, OWN));
            }
            Relation::Statement(text) => {
                // A statement of the configuration. The line's end closes a comment at its end.
                let text = text.trim().trim_end_matches(|c: char| c == ';' || c.is_whitespace());
                let parenthesised = Func::cust("").arg(Expr::cust(format!("{text}\n")));
                select.from_function(parenthesised, OWN);
            }
            Relation::Union(members) => {
                let mut union: Option<SelectStatement> = None;
                for member in members {
                    let rows = self.union_member(member, binder)?;
                    match &mut union {
                        None => union = Some(rows),
                        Some(union) => {
                            union.union(UnionType::All, rows);
                        }
                    }
                }
                let union = union.ok_or_else(|| missing(&self.query.relation, KIND_COLUMN))?;
                select.from_subquery(union, OWN);
            }
        }
        Ok(())
    }

    fn union_member(
        &self,
        member: &'a UnionMember,
        binder: &mut Binder,
    ) -> Result<SelectStatement, SourceError> {
        let mut rows = Sql::select();
        for (slug, origin) in &member.origins {
            let data_type = self.union_type(slug);
            let expr = match origin {
                Origin::Kind => self.kind_of(member, binder),
                Origin::Column(_)
                | Origin::JsonPath { .. }
                | Origin::Joined { .. }
                | Origin::Lines { .. } => self.reach(Purpose::Member, origin, data_type, binder),
            };
            rows.expr_as(expr, slug.clone());
        }
        if !member.origins.iter().any(|(slug, _)| slug == KIND_COLUMN) {
            rows.expr_as(self.kind_of(member, binder), KIND_COLUMN);
        }
        rows.from(table_ref(&member.table, OWN));
        Ok(rows)
    }

    fn kind_of(&self, member: &UnionMember, binder: &mut Binder) -> Expr {
        let place = Operand { expr: constant(0), data_type: &DataType::Text, column: None };
        self.dialect.literal(&Literal::Text(member.kind.clone()), &place, binder)
    }

    /// Type that the query's field of that slug declares.
    fn union_type(&self, slug: &str) -> &'a DataType {
        let selected = self.query.fields.iter().map(|selected| &selected.field);
        let sorted = self.query.sort.iter().map(|key| &key.field);
        selected
            .chain(&self.query.key)
            .chain(sorted)
            .find(|field| field.slug == slug)
            .map_or(&DataType::Text, |field| &field.data_type)
    }

    pub(super) fn filter(
        &self,
        select: &mut SelectStatement,
        binder: &mut Binder,
    ) -> Result<(), SourceError> {
        if let Some(condition) = condition(self, &self.query.predicate, binder)? {
            select.and_where(condition);
        }
        Ok(())
    }

    fn order(&self, select: &mut SelectStatement, binder: &mut Binder) -> Result<(), SourceError> {
        for key in &self.query.sort {
            let operand = self.operand(&key.field, binder)?;
            let order = if key.is_descending { Order::Desc } else { Order::Asc };
            let expr = self.dialect.sorted(&operand);
            if self.is_never_null(&key.field, &operand) {
                select.order_by_expr(expr, order);
            } else {
                select.order_by_expr_with_nulls(expr, order, NullOrdering::Last);
            }
        }
        Ok(())
    }

    /// Whether `nulls last`, which may cost an index, can be left away.
    pub(super) fn is_never_null(&self, field: &Field, operand: &Operand<'_>) -> bool {
        let is_own = matches!(field.origin, Origin::Column(_))
            && !matches!(self.query.relation, Relation::Union(_));
        is_own && operand.column.is_some_and(|column| !column.is_nullable)
    }

    pub(super) fn render(&self, select: &SelectStatement) -> Statement {
        let (text, values) = self.dialect.render(select);
        Statement { text, values: values.into_iter().map(Bind::from_value).collect() }
    }

    /// Where a field is, in a condition or a sort of this statement.
    pub(super) fn operand(
        &self,
        field: &'a Field,
        binder: &mut Binder,
    ) -> Result<Operand<'a>, SourceError> {
        self.operand_for(Purpose::Condition, field, binder)
    }

    fn operand_for(
        &self,
        purpose: Purpose,
        field: &'a Field,
        binder: &mut Binder,
    ) -> Result<Operand<'a>, SourceError> {
        let data_type = &field.data_type;
        if matches!(self.query.relation, Relation::Union(_)) {
            let name = match &field.origin {
                Origin::Kind => KIND_COLUMN,
                Origin::Column(_)
                | Origin::JsonPath { .. }
                | Origin::Joined { .. }
                | Origin::Lines { .. } => &field.slug,
            };
            let column =
                self.catalog.own_column(name).ok_or_else(|| missing(&self.query.relation, name))?;
            return Ok(Operand { expr: own_column(name), data_type, column: Some(column) });
        }
        let column = match &field.origin {
            Origin::Column(column) => self.catalog.own_column(column),
            Origin::Joined { reference, column } => {
                self.catalog.other_column(&reference.table, column)
            }
            Origin::JsonPath { .. } | Origin::Lines { .. } => None,
            Origin::Kind => return Err(missing(&self.query.relation, KIND_COLUMN)),
        };
        let expr = self.reach(purpose, &field.origin, data_type, binder);
        Ok(Operand { expr, data_type, column })
    }

    /// The expression for an origin, seen from the own relation.
    fn reach(
        &self,
        purpose: Purpose,
        origin: &'a Origin,
        data_type: &DataType,
        binder: &mut Binder,
    ) -> Expr {
        match origin {
            Origin::Column(column) => own_column(column),
            Origin::Kind => own_column(KIND_COLUMN),
            Origin::JsonPath { column, path } => {
                let known = match purpose {
                    Purpose::Selection | Purpose::Condition => self.catalog.own_column(column),
                    // What the catalog calls its own are the columns of the union.
                    Purpose::Member => None,
                };
                let document = own_column(column);
                let place = JsonPlace { document, column: known, path, data_type, purpose };
                self.dialect.json_path(place, binder)
            }
            Origin::Joined { reference, column } => {
                let mut select = rows_of(reference, JOINED);
                select.expr(column_of(JOINED, column));
                Expr::SubQuery(None, Box::new(select.into()))
            }
            Origin::Lines { reference, items, order } => {
                let items = items
                    .iter()
                    .map(|(item, column)| {
                        let operand = Operand {
                            expr: column_of(Lines::ALIAS, column),
                            data_type: &item.data_type,
                            column: self.catalog.other_column(&reference.table, column),
                        };
                        (item, operand)
                    })
                    .collect();
                let rows = rows_of(reference, Lines::ALIAS);
                let order = order.iter().map(|column| column_of(Lines::ALIAS, column)).collect();
                self.dialect.lines(Lines { rows, items, order }, binder)
            }
        }
    }
}

/// The rows of a reference's table that belong to the current row, without a select list yet.
fn rows_of(reference: &Reference, alias: &'static str) -> SelectStatement {
    let equalities = reference
        .on
        .iter()
        .map(|(ours, theirs)| column_of(alias, theirs).eq(own_column(ours)))
        .collect();
    let mut select = Sql::select();
    select.from(table_ref(&reference.table, alias));
    if let Some(condition) = balanced(equalities, sea_query::BinOper::And) {
        select.and_where(condition);
    }
    select
}

pub(super) fn column_of(alias: &str, column: &str) -> Expr {
    let table = sea_query::TableName(None, alias.to_owned().into());
    Expr::col(ColumnName(Some(table), column.to_owned().into()))
}

fn table_ref(table: &TableName, alias: &str) -> TableRef {
    let schema = table.schema.clone().map(|schema| SchemaName(None, schema.into()));
    let name = sea_query::TableName(schema, table.name.clone().into());
    TableRef::Table(name, Some(alias.to_owned().into()))
}

fn missing(relation: &Relation, column: &str) -> SourceError {
    SourceError::UnknownColumn {
        column: column.to_owned(),
        table: relation_name(relation),
        known: "only the columns of its tables".to_owned(),
    }
}
