//! Reads `tidegate.toml`, with what the environment puts over it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use config::{Config, Environment, File, FileFormat};
use secrecy::SecretString;
use serde::Deserialize;
use tidegate_model::{
    declaration::{self, SubjectDeclaration},
    fault::Faults,
};
use tidegate_source::SourceSettings;

use crate::failure::Failure;

/// Prefix of the variables that stand over the file: `TIDEGATE__SOURCES__SHOP__URL`.
const PREFIX: &str = "TIDEGATE";
/// What separates the parts of such a variable.
const SEPARATOR: &str = "__";
/// Ending of a variable that names a file with the value, for secrets.
const FILE_SUFFIX: &str = "_FILE";

/// The configuration, read and checked as far as that goes without a database.
#[derive(Debug)]
pub struct Site {
    /// Where it was read.
    pub path: PathBuf,
    /// Sources by name.
    pub sources: BTreeMap<String, SourceSettings>,
    /// Subjects, in the order of the file.
    pub subjects: Vec<SubjectDeclaration>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    sources: BTreeMap<String, SourceDeclaration>,
    #[serde(default)]
    subjects: Vec<SubjectDeclaration>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceDeclaration {
    url: Option<SecretString>,
    replica_url: Option<SecretString>,
    readers: Option<usize>,
    statement_seconds_max: Option<u64>,
    snapshot_seconds_max: Option<u64>,
}

impl Site {
    /// Reads the file and the environment.
    ///
    /// # Errors
    ///
    /// If there is no such file, or it says something wrong: all faults at once.
    pub fn load(path: &Path, environment: &BTreeMap<String, String>) -> Result<Self, Failure> {
        if !path.exists() {
            return Err(Failure::wrong(format!(
                "there is no configuration at `{}`; write one with `tidegate init URL`, name one \
                 with --config, or export without one: `tidegate export --source URL --table T`",
                path.display()
            )));
        }
        let document = read(path, environment)
            .map_err(|error| Failure::wrong(format!("`{}`: {error}", path.display())))?;
        let names: Vec<&str> = document.sources.keys().map(String::as_str).collect();
        declaration::check(&document.subjects, &names).map_err(|Faults(faults)| {
            Failure::faults(format!("`{}` is wrong:", path.display()), faults)
        })?;
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let settings = |(name, source): (String, SourceDeclaration)| {
            Ok((name.clone(), source.settings(name, &folder)?))
        };
        Ok(Self {
            path: path.to_owned(),
            sources: document.sources.into_iter().map(settings).collect::<Result<_, Failure>>()?,
            subjects: document.subjects,
        })
    }
}

impl SourceDeclaration {
    fn settings(self, name: String, folder: &Path) -> Result<SourceSettings, Failure> {
        let variable = format!("{PREFIX}{SEPARATOR}SOURCES{SEPARATOR}{}", name.to_uppercase());
        let Some(url) = self.replica_url.or(self.url) else {
            return Err(Failure::wrong(format!(
                "source `{name}` has no URL; set the variable {variable}{SEPARATOR}URL, or `url` \
                 under [sources.{name}]"
            )));
        };
        let defaults = SourceSettings::new(name, url);
        Ok(SourceSettings {
            folder: folder.to_owned(),
            readers: self.readers.unwrap_or(defaults.readers).max(1),
            statement_seconds_max: self.statement_seconds_max,
            snapshot_seconds_max: self
                .snapshot_seconds_max
                .unwrap_or(defaults.snapshot_seconds_max),
            ..defaults
        })
    }
}

fn read(
    path: &Path,
    environment: &BTreeMap<String, String>,
) -> Result<Document, Box<dyn std::error::Error>> {
    let over = Environment::with_prefix(PREFIX)
        .prefix_separator(SEPARATOR)
        .separator(SEPARATOR)
        .try_parsing(true)
        .source(Some(with_files(environment)?.into_iter().collect()));
    let config = Config::builder()
        .add_source(File::from(path).format(FileFormat::Toml))
        .add_source(over)
        .build()?;
    Ok(config.try_deserialize()?)
}

/// Our variables, those that name a file replaced by its content.
fn with_files(
    environment: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Box<dyn std::error::Error>> {
    let mut values = BTreeMap::new();
    for (name, value) in environment {
        if !name.starts_with(&format!("{PREFIX}{SEPARATOR}")) {
            continue;
        }
        match name.strip_suffix(FILE_SUFFIX) {
            Some(name) => {
                let content = std::fs::read_to_string(value)
                    .map_err(|cause| format!("{name}{FILE_SUFFIX}: cannot read it: {cause}"))?;
                values.insert(name.to_owned(), content.trim_end().to_owned());
            }
            None => _ = values.insert(name.clone(), value.clone()),
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use secrecy::ExposeSecret;

    use super::*;

    fn load(text: &str, environment: &[(&str, &str)]) -> Result<Site, Failure> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let environment =
            environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Site::load(file.path(), &environment)
    }

    #[test]
    fn a_variable_stands_over_the_file() {
        let site = load(
            "[sources.shop]\nurl = 'sqlite:a.db'\nreaders = 2",
            &[("TIDEGATE__SOURCES__SHOP__URL", "postgres://u:12345@h/d")],
        );
        let shop = &site.unwrap().sources["shop"];
        assert_eq!(shop.url.expose_secret(), "postgres://u:12345@h/d");
        assert_eq!(shop.readers, 2);
    }

    #[test]
    fn a_secret_may_stand_in_a_file_of_its_own() {
        let mut secret = tempfile::NamedTempFile::new().unwrap();
        writeln!(secret, "mysql://h/d").unwrap();
        let path = secret.path().to_str().unwrap();
        let site =
            load("[sources.shop]\nreaders = 1", &[("TIDEGATE__SOURCES__SHOP__URL_FILE", path)]);
        assert_eq!(site.unwrap().sources["shop"].url.expose_secret(), "mysql://h/d");
    }

    #[test]
    fn a_source_without_a_url_names_the_variable() {
        let failure = load("[sources.shop]\nreaders = 1", &[]).unwrap_err();
        assert!(format!("{failure:?}").contains("TIDEGATE__SOURCES__SHOP__URL"), "{failure:?}");
    }

    #[test]
    fn an_unknown_section_is_refused_by_name() {
        let failure = load("[surces.shop]\nurl = 'sqlite:a.db'", &[]).unwrap_err();
        assert!(format!("{failure:?}").contains("surces"), "{failure:?}");
    }

    #[test]
    fn names_keep_their_case() {
        let site = load(
            "[sources.shop]\nurl = 'sqlite:a.db'\n[[subjects]]\nslug = 'orders'\nsource = \
             'shop'\ntable = 'Orders'\nrelations = [{ name = 'u', table = 'Users', on = { userId \
             = 'Id' } }]\nfields = ['Id']",
            &[],
        );
        let subject = &site.unwrap().subjects[0];
        assert_eq!(subject.relations[0].on["userId"], "Id");
    }
}
