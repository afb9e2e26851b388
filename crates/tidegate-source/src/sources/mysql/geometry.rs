//! Geometries, from the server's own form to the well-known binary one.

use super::cell::Unfit;

/// Flag of a type in extended WKB that says a reference system follows.
const HAS_REFERENCE_SYSTEM: u32 = 0x2000_0000;
/// Mark of little-endian numbers.
const LITTLE_ENDIAN: u8 = 1;

/// Appends a geometry as WKB, or as PostGIS' extended WKB where it names a reference system,
/// which would be lost otherwise. The server's form is the number of that system and plain WKB.
pub(super) fn write_ewkb(native: &[u8], out: &mut Vec<u8>) -> Result<(), Unfit> {
    let unfit = || Unfit::because("is no geometry in the server's form");
    let (system, wkb) = native.split_first_chunk::<4>().ok_or_else(unfit)?;
    if *system == [0; 4] {
        out.extend_from_slice(wkb);
        return Ok(());
    }
    let (head, rest) = wkb.split_first_chunk::<5>().ok_or_else(unfit)?;
    let [LITTLE_ENDIAN, kind @ ..] = *head else { return Err(unfit()) };
    out.push(LITTLE_ENDIAN);
    out.extend_from_slice(&(u32::from_le_bytes(kind) | HAS_REFERENCE_SYSTEM).to_le_bytes());
    out.extend_from_slice(system);
    out.extend_from_slice(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_system_is_kept() {
        let point = [[1, 1, 0, 0, 0].as_slice(), &[7; 16]].concat();
        let mut out = Vec::new();
        write_ewkb(&[&[0, 0, 0, 0], point.as_slice()].concat(), &mut out).unwrap();
        assert_eq!(out, point);
        out.clear();
        write_ewkb(&[&[0xe6, 0x10, 0, 0], point.as_slice()].concat(), &mut out).unwrap();
        let head = [1, 1, 0, 0, 0x20, 0xe6, 0x10, 0, 0];
        assert_eq!(out, [head.as_slice(), &[7; 16]].concat());
        assert!(write_ewkb(&[1, 0], &mut out).is_err());
    }
}
