//! Binds a declared subject to what its source says about its tables.

use tidegate_model::{
    bind::{BoundSubject, Catalog},
    declaration::SubjectDeclaration,
    fault::Faults,
    pointer::Pointer,
};
use tidegate_source::{Source, SourceError};

/// A subject cannot be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The source cannot be asked, or does not have the table.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The declaration does not fit what is there.
    #[error(transparent)]
    Faults(#[from] Faults),
}

/// Asks the source about every table that a declaration names, and binds the declaration to the
/// answers. Pointers of faults begin with `at`.
///
/// # Errors
///
/// If the source cannot be asked, or the declaration does not fit.
pub fn bind_subject(
    source: &dyn Source,
    declaration: &SubjectDeclaration,
    at: &Pointer<'_>,
) -> Result<BoundSubject, BindError> {
    let described: Result<Catalog, SourceError> = declaration
        .tables()
        .into_iter()
        .map(|relation| {
            let description = source.describe(&relation)?;
            Ok((relation, description))
        })
        .collect();
    Ok(BoundSubject::bind(declaration, &described?, at)?)
}
