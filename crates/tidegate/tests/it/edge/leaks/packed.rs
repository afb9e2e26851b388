//! Takes apart what bytes are packed in: by other people's programs, as a reader would.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use tidegate_testkit::python;

/// What text may be packed in.
pub(super) const KINDS: [Kind; 4] = [Kind::Gzip, Kind::Zstd, Kind::Zip, Kind::Parquet];
/// How deep something is packed at most: a spreadsheet in gzip is two.
const DEPTH_MAX: usize = 3;

/// A way to pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gzip,
    Zstd,
    Zip,
    Parquet,
}

impl Kind {
    /// What packed bytes begin with.
    fn magic(self) -> &'static [u8] {
        match self {
            Self::Gzip => b"\x1f\x8b",
            Self::Zstd => b"\x28\xb5\x2f\xfd",
            Self::Zip => b"PK\x03\x04",
            Self::Parquet => b"PAR1",
        }
    }

    /// What is in a file.
    fn content(self, file: &Path) -> Vec<u8> {
        let given = || Stdio::from(fs::File::open(file).unwrap());
        match self {
            Self::Gzip => told(Command::new("gzip").args(["-d", "-c"]), given()),
            Self::Zstd => told(Command::new("zstd").args(["-d", "-c", "-q"]), given()),
            // Names of the parts, and the parts.
            Self::Zip => told(Command::new("unzip").arg("-c").arg(file), Stdio::null()),
            Self::Parquet => {
                let table = python::read(file, "parquet");
                let cells = table.rows.into_iter().flatten().flatten();
                table.names.into_iter().chain(cells).collect::<Vec<_>>().join("\n").into_bytes()
            }
        }
    }
}

/// Bytes as they are; without NUL, which stands between the letters of UTF-16; and what is packed in
/// them, all the way down.
pub(super) fn unpacked(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = vec![bytes.to_vec()];
    let mut inmost = bytes.to_vec();
    for _ in 0..DEPTH_MAX {
        let Some(kind) = KINDS.into_iter().find(|kind| inmost.starts_with(kind.magic())) else {
            break;
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("packed");
        fs::write(&path, &inmost).unwrap();
        inmost = kind.content(&path);
        parts.push(inmost.clone());
    }
    let narrow = |part: &Vec<u8>| part.iter().copied().filter(|byte| *byte != 0).collect();
    let wide: Vec<Vec<u8>> = parts.iter().filter(|part| part.contains(&0)).map(narrow).collect();
    parts.extend(wide);
    parts
}

/// Text packed by other people's programs.
pub(super) fn packed(kind: Kind, text: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text");
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    match kind {
        Kind::Gzip => told(Command::new("gzip").args(["-c", path]), Stdio::null()),
        Kind::Zstd => told(Command::new("zstd").args(["-c", "-q", path]), Stdio::null()),
        Kind::Zip | Kind::Parquet => {
            let program = match kind {
                Kind::Zip => ZIP,
                Kind::Gzip | Kind::Zstd | Kind::Parquet => PARQUET,
            };
            python::script(program, &[path]);
            fs::read(format!("{path}.packed")).unwrap()
        }
    }
}

const ZIP: &str = "
import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + '.packed', 'w', zipfile.ZIP_DEFLATED) as file:
    file.write(sys.argv[1], 'sheet.xml')
";
const PARQUET: &str = "
import sys, pyarrow, pyarrow.parquet
text = open(sys.argv[1]).read()
pyarrow.parquet.write_table(pyarrow.table({'text': [text]}), sys.argv[1] + '.packed', compression='zstd',
    write_statistics=False)
";

#[track_caller]
fn told(command: &mut Command, input: Stdio) -> Vec<u8> {
    let output = command.stdin(input).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
