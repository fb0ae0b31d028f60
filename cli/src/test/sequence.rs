//! The sequences that are tested, and their names.

use std::path::Path;

use vcn_media::{FrameReader, OpenOptions, open};

use crate::failure::{Failure, Result};

/// A sequence, which can be read as often as needed.
pub struct Sequence {
    /// As named on the command line.
    pub input: String,
    /// Short name.
    pub name: String,
    limit: Option<u64>,
}

impl Sequence {
    /// Opens it at its first frame.
    pub fn open(&self) -> Result<Box<dyn FrameReader>> {
        Ok(open(&self.input, OpenOptions { limit: self.limit, ..Default::default() })?)
    }
}

/// The sequences of a command line, each of which can be opened, under names that tell them apart.
pub fn open_all(inputs: &[String], limit: Option<u64>) -> Result<Vec<Sequence>> {
    let short: Vec<String> = inputs.iter().map(|input| short(input)).collect();
    let mut sequences: Vec<Sequence> = Vec::new();
    for (input, name) in inputs.iter().zip(&short) {
        if input == "-" {
            let reason = "a test reads its input several times, which standard input does not allow";
            return Err(Failure::Usage(format!("{reason}: give a file")));
        }
        if sequences.iter().any(|known| known.input == *input) {
            return Err(Failure::Usage(format!("{input}: named twice")));
        }
        let unique = short.iter().filter(|other| *other == name).count() == 1;
        let name = if unique { name.clone() } else { input.clone() };
        let sequence = Sequence { input: input.clone(), name, limit };
        sequence.open()?;
        sequences.push(sequence);
    }
    Ok(sequences)
}

/// A folder's or a file's name, without the type of the file.
fn short(input: &str) -> String {
    let path = Path::new(input);
    let name = if path.is_dir() { path.file_name() } else { path.file_stem() };
    name.map_or_else(|| input.to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_differ() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_str().unwrap();
        let y4m = b"YUV4MPEG2 W2 H2 F25:1\nFRAME\n\0\0\0\0\0\0";
        let mut inputs = Vec::new();
        for name in ["a/clip.v2.y4m", "b/clip.v2.y4m", "other.y4m"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, y4m).unwrap();
            inputs.push(format!("{root}/{name}"));
        }
        let names = |inputs: &[String]| {
            open_all(inputs, None).unwrap().into_iter().map(|sequence| sequence.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&inputs[1..]), ["clip.v2", "other"]);
        assert_eq!(names(&inputs), [inputs[0].as_str(), inputs[1].as_str(), "other"]);
        for wrong in [vec!["-".to_owned()], vec![inputs[0].clone(); 2], vec![format!("{root}/none.y4m")]] {
            assert!(open_all(&wrong, None).is_err());
        }
    }
}
