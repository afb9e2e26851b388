//! The batch: rows of length-prefixed cells, bounded by rows and bytes.

/// Readable zero bytes behind the last cell of a sealed batch, so that kernels may read in blocks.
pub const PADDING_BYTES: usize = 64;

/// Length that marks NULL.
const NULL_LENGTH: i32 = -1;

/// A `COPY` tuple does not hold the cells it claims.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a row of the source is malformed: {found} cells, {expected} expected")]
pub struct TupleFault {
    /// Columns of the schema.
    pub expected: usize,
    /// Whole cells found.
    pub found: usize,
}

/// Rows in the layout of PostgreSQL's binary `COPY`, reused from one fill to the next.
///
/// Fill with the `put_…` methods and [`RowBatch::end_row`], then [`RowBatch::seal`] before reading.
#[derive(Debug, Default)]
pub struct RowBatch {
    bytes: Vec<u8>,
    filled: usize,
    rows: usize,
}

impl RowBatch {
    /// An empty batch with room for `bytes` of cells.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes + PADDING_BYTES), filled: 0, rows: 0 }
    }

    /// Forgets the rows, keeps the room, but not more than `bytes_max` of it.
    pub fn clear(&mut self, bytes_max: usize) {
        self.bytes.clear();
        if self.bytes.capacity() > bytes_max + PADDING_BYTES {
            self.bytes.shrink_to(bytes_max + PADDING_BYTES);
        }
        self.filled = 0;
        self.rows = 0;
    }

    /// Rows in the batch.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Bytes of all cells so far, lengths included.
    pub fn bytes_len(&self) -> usize {
        if self.filled == 0 { self.bytes.len() } else { self.filled }
    }

    /// Appends NULL.
    #[inline]
    pub fn put_null(&mut self) {
        self.bytes.extend_from_slice(&NULL_LENGTH.to_be_bytes());
    }

    /// Appends a cell: text, octets, JSON, digits or any binary form.
    ///
    /// # Panics
    ///
    /// If the cell has 2 GiB or more; sources refuse such cells before.
    #[inline]
    pub fn put_bytes(&mut self, cell: &[u8]) {
        let length = i32::try_from(cell.len()).expect("sources bound a cell far below 2 GiB");
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(cell);
    }

    /// Appends a cell that `write` appends to the buffer it is given.
    pub fn put_with<E>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        write(&mut self.bytes)?;
        let length = i32::try_from(self.bytes.len() - at - 4).expect("a cell is below 2 GiB");
        self.bytes[at..at + 4].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }

    /// Appends a 64-bit cell: an integer, a time or a timestamp.
    #[inline]
    pub fn put_i64(&mut self, value: i64) {
        let mut cell = [0; 12];
        cell[..4].copy_from_slice(&8_i32.to_be_bytes());
        cell[4..].copy_from_slice(&value.to_be_bytes());
        self.bytes.extend_from_slice(&cell);
    }

    /// Appends a 32-bit cell: a date.
    #[inline]
    pub fn put_i32(&mut self, value: i32) {
        self.put_bytes(&value.to_be_bytes());
    }

    /// Appends a floating point number.
    #[inline]
    pub fn put_f64(&mut self, value: f64) {
        self.put_i64(value.to_bits().cast_signed());
    }

    /// Appends a boolean.
    #[inline]
    pub fn put_bool(&mut self, value: bool) {
        self.put_bytes(&[u8::from(value)]);
    }

    /// Ends the row; every column must have been given a cell.
    #[inline]
    pub fn end_row(&mut self) {
        self.rows += 1;
    }

    /// Appends a whole row: the cells of a binary `COPY` tuple, behind its field count.
    ///
    /// # Errors
    ///
    /// If the cells do not add up to `width` cells and the tuple's length.
    #[inline]
    pub fn push_tuple(&mut self, cells: &[u8], width: usize) -> Result<(), TupleFault> {
        let mut at = 0;
        for found in 0..width {
            let length = read_length(cells, at).ok_or(TupleFault { expected: width, found })?;
            at += 4 + usize::try_from(length).unwrap_or(0);
        }
        if at != cells.len() {
            return Err(TupleFault { expected: width, found: width });
        }
        self.bytes.extend_from_slice(cells);
        self.rows += 1;
        Ok(())
    }

    /// Appends the next rows of another batch until this one has at least `bytes` of cells; whether
    /// it has.
    pub fn fill_from(&mut self, rows: &mut Rows<'_>, bytes: usize) -> bool {
        let (start, filled) = (rows.at, self.bytes.len());
        while filled + (rows.at - start) < bytes && rows.next().is_some() {
            self.rows += 1;
        }
        self.bytes.extend_from_slice(&rows.padded[start..rows.at]);
        self.bytes.len() >= bytes
    }

    /// Ends the filling: puts the padding behind the last cell.
    pub fn seal(&mut self) {
        self.filled = self.bytes.len();
        self.bytes.resize(self.filled + PADDING_BYTES, 0);
    }

    /// The rows, each an iterator over its `width` cells.
    pub fn rows(&self, width: usize) -> Rows<'_> {
        debug_assert!(self.rows == 0 || self.filled > 0, "seal the batch before reading it");
        Rows { padded: &self.bytes, at: 0, left: self.rows, width }
    }

    /// All cells, row after row, for kernels that read in blocks.
    pub fn cells(&self) -> PaddedCells<'_> {
        debug_assert!(self.rows == 0 || self.filled > 0, "seal the batch before reading it");
        PaddedCells { rest: &self.bytes }
    }
}

/// All cells of a sealed batch, one after the other; the caller counts columns and rows.
#[derive(Clone, Debug)]
pub struct PaddedCells<'a> {
    rest: &'a [u8],
}

impl<'a> PaddedCells<'a> {
    /// The next cell; `None` is NULL.
    ///
    /// # Panics
    ///
    /// If the batch holds no more cells.
    #[inline(always)]
    pub fn next_cell(&mut self) -> Option<PaddedCell<'a>> {
        let (prefix, tail) = self.rest.split_first_chunk().expect("a cell follows");
        let length = i32::from_be_bytes(*prefix);
        if length < 0 {
            self.rest = tail;
            return None;
        }
        let length = usize::try_from(length).expect("a length that is not negative");
        self.rest = &tail[length..];
        Some(PaddedCell { tail, length })
    }
}

/// A cell, and what may be read behind it.
#[derive(Clone, Copy, Debug)]
pub struct PaddedCell<'a> {
    tail: &'a [u8],
    length: usize,
}

impl<'a> PaddedCell<'a> {
    /// The first `length` bytes of `tail`, if it has them.
    #[inline]
    pub fn within(tail: &'a [u8], length: usize) -> Option<Self> {
        (length <= tail.len()).then_some(Self { tail, length })
    }

    /// The cell's bytes.
    #[inline(always)]
    pub fn bytes(self) -> &'a [u8] {
        &self.tail[..self.length]
    }

    /// The cell's bytes and those behind it: at least [`PADDING_BYTES`] in a sealed batch.
    #[inline(always)]
    pub fn tail(self) -> &'a [u8] {
        self.tail
    }

    /// Length of the cell in bytes.
    #[inline(always)]
    pub fn len(self) -> usize {
        self.length
    }

    /// Whether the cell has no bytes.
    #[inline(always)]
    pub fn is_empty(self) -> bool {
        self.length == 0
    }

    /// The same cell without its first `count` bytes, if it has them.
    #[inline(always)]
    pub fn skip(self, count: usize) -> Option<Self> {
        let length = self.length.checked_sub(count)?;
        Some(Self { tail: &self.tail[count..], length })
    }
}

impl<'a> From<&'a [u8]> for PaddedCell<'a> {
    /// A cell that stands alone, with nothing behind it.
    #[inline]
    fn from(bytes: &'a [u8]) -> Self {
        Self { tail: bytes, length: bytes.len() }
    }
}

/// Length at `at`, if that many bytes follow it.
#[inline]
fn read_length(cells: &[u8], at: usize) -> Option<i32> {
    let length = i32::from_be_bytes(cells.get(at..at + 4)?.try_into().ok()?);
    let end = at + 4 + usize::try_from(length).unwrap_or(0);
    (length >= NULL_LENGTH && end <= cells.len()).then_some(length)
}

/// The rows of a batch.
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    padded: &'a [u8],
    at: usize,
    left: usize,
    width: usize,
}

impl<'a> Iterator for Rows<'a> {
    type Item = Cells<'a>;

    #[inline]
    fn next(&mut self) -> Option<Cells<'a>> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let cells = Cells { padded: self.padded, at: self.at, left: self.width };
        // A caller may stop in the middle of a row, so the next one is found from the lengths.
        let mut at = self.at;
        for _ in 0..self.width {
            at += 4 + cell_length(self.padded, at).unwrap_or(0);
        }
        self.at = at;
        Some(cells)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Rows<'_> {}

/// The cells of one row; `None` is NULL.
#[derive(Clone, Debug)]
pub struct Cells<'a> {
    padded: &'a [u8],
    at: usize,
    left: usize,
}

impl<'a> Iterator for Cells<'a> {
    type Item = Option<&'a [u8]>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let start = self.at + 4;
        match cell_length(self.padded, self.at) {
            None => {
                self.at = start;
                Some(None)
            }
            Some(length) => {
                self.at = start + length;
                Some(Some(&self.padded[start..start + length]))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// Length of the cell at `at`; `None` is NULL.
#[inline]
fn cell_length(padded: &[u8], at: usize) -> Option<usize> {
    let prefix = padded[at..at + 4].try_into().expect("four bytes make a length");
    usize::try_from(i32::from_be_bytes(prefix)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_come_back_as_they_were_put() {
        let mut batch = RowBatch::with_capacity(64);
        batch.put_bytes(b"");
        batch.put_null();
        batch.end_row();
        batch.put_i64(-5);
        batch.put_bytes("å\0".as_bytes());
        batch.end_row();
        batch.seal();
        let rows: Vec<Vec<Option<&[u8]>>> = batch.rows(2).map(Iterator::collect).collect();
        assert_eq!(rows[0], [Some(&b""[..]), None]);
        assert_eq!(rows[1], [Some(&(-5_i64).to_be_bytes()[..]), Some("å\0".as_bytes())]);
    }

    #[test]
    fn a_padded_cell_can_be_read_past_its_end() {
        let mut batch = RowBatch::default();
        batch.put_bytes(b"");
        batch.put_null();
        batch.put_bytes(b"last");
        batch.end_row();
        batch.seal();
        let mut cells = batch.cells();
        assert_eq!(cells.next_cell().unwrap().bytes(), b"");
        assert!(cells.next_cell().is_none());
        let last = cells.next_cell().unwrap();
        assert_eq!(last.bytes(), b"last");
        assert_eq!(last.tail().len(), 4 + PADDING_BYTES);
        assert_eq!(last.skip(1).unwrap().bytes(), b"ast");
        assert!(last.skip(5).is_none());
        assert_eq!(PaddedCell::within(b"cell and more", 4).unwrap().bytes(), b"cell");
        assert!(PaddedCell::within(b"cell", 5).is_none());
    }

    #[test]
    fn a_tuple_that_does_not_add_up_is_refused() {
        let mut batch = RowBatch::default();
        let whole = [0, 0, 0, 1, b'x', 255, 255, 255, 255];
        assert_eq!(batch.push_tuple(&whole, 2), Ok(()));
        for cut in 0..whole.len() {
            assert!(batch.push_tuple(&whole[..cut], 2).is_err(), "cut at {cut}");
        }
        assert!(batch.push_tuple(&[255, 255, 255, 254], 1).is_err(), "negative length");
        assert!(batch.push_tuple(&[&whole[..], b"!"].concat(), 2).is_err(), "bytes left over");
        assert_eq!(batch.len(), 1);
    }
}
