//! Compressed text files, unpacked by the libraries that everybody has.

use std::io::Read;

use tidegate_format::{FORMATS, Format};

use crate::table::{Cell, Table};

/// Formats that take the option, with the file that they write without it.
fn packable(table: &Table) -> Vec<(&'static dyn Format, Vec<u8>)> {
    let formats = FORMATS.iter().filter(|f| f.options().iter().any(|o| o.slug == "compress"));
    let plain = |format: &'static dyn Format| (format, table.file(format, &[]).unwrap().bytes);
    formats.map(|format| plain(*format)).collect()
}

/// Rows that shrink, and rows that do not.
fn tables() -> Vec<Table> {
    let mut state = 7_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from_u32(0x4E00 + u32::try_from(state >> 33).unwrap() % 20_000).unwrap()
    };
    let row = |text: String| vec![Cell::Integer(1), Cell::Text(text)];
    let even = (0..20_000).map(|n| row(format!("the same text again and again, {n}"))).collect();
    let wild = (0..2_000).map(|_| row((0..300).map(|_| noise()).collect())).collect();
    let table = |rows| Table { rows, ..Table::new(&[("id", "integer"), ("text", "text")]) };
    vec![table(Vec::new()), table(even), table(wild)]
}

#[test]
fn four_text_formats_can_be_packed() {
    let slugs: Vec<&str> = packable(&tables()[0]).iter().map(|(format, _)| format.slug()).collect();
    assert_eq!(slugs, ["csv", "json", "ndjson", "xml"]);
}

#[test]
fn a_gzip_file_is_one_member_with_all_of_the_rows() {
    for table in tables() {
        for (format, plain) in packable(&table) {
            let packed = table.file(format, &[("compress", "gzip")]).unwrap().bytes;
            let mut reader = flate2::bufread::GzDecoder::new(packed.as_slice());
            let mut unpacked = Vec::new();
            // Checks the checksum and the length at the end.
            reader.read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == plain, "{}", format.slug());
            assert!(reader.into_inner().is_empty(), "{}: bytes behind the member", format.slug());
        }
    }
}

#[test]
fn a_zstd_file_holds_all_of_the_rows() {
    for table in tables() {
        for (format, plain) in packable(&table) {
            let packed = table.file(format, &[("compress", "zstd")]).unwrap().bytes;
            assert!(zstd::decode_all(packed.as_slice()).unwrap() == plain, "{}", format.slug());
        }
    }
}

#[test]
fn packing_shrinks_what_repeats() {
    let table = &tables()[1];
    for (format, plain) in packable(table) {
        for compress in ["gzip", "zstd"] {
            let packed = table.file(format, &[("compress", compress)]).unwrap().bytes;
            assert!(packed.len() * 4 < plain.len(), "{} {compress}", format.slug());
        }
    }
}
