//! The layout of the vimeo-septuplet data set, which is what users have for training.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use crate::error::{Error, Result};

/// The clips of a folder laid out as vimeo-septuplet: `sequences/00001/0001/im1.png` to `im7.png`, listed by
/// `sep_trainlist.txt` and `sep_testlist.txt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeptupletList {
    clips: Vec<PathBuf>,
}

impl SeptupletList {
    /// The clips of `root/sep_trainlist.txt`.
    ///
    /// # Errors
    /// See [`SeptupletList::read`].
    pub fn train(root: impl AsRef<Path>) -> Result<SeptupletList> {
        SeptupletList::read(root, "sep_trainlist.txt")
    }

    /// The clips of `root/sep_testlist.txt`.
    ///
    /// # Errors
    /// See [`SeptupletList::read`].
    pub fn test(root: impl AsRef<Path>) -> Result<SeptupletList> {
        SeptupletList::read(root, "sep_testlist.txt")
    }

    /// The clips of the list file `root/list`. The clips' own files are not looked at.
    ///
    /// # Errors
    /// A list that is missing, names no clip, or has a line that is not a path below `sequences`.
    pub fn read(root: impl AsRef<Path>, list: &str) -> Result<SeptupletList> {
        let path = root.as_ref().join(list);
        let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let sequences = root.as_ref().join("sequences");
        let mut clips = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let clip = Path::new(line.trim());
            if clip.as_os_str().is_empty() {
                continue;
            }
            if !clip.components().all(|part| matches!(part, Component::Normal(_))) {
                return Err(Error::ClipList { path, line: index + 1, found: line.to_owned() });
            }
            clips.push(sequences.join(clip));
        }
        match clips.is_empty() {
            true => {
                Err(Error::NoFrames { path, expected: "expected a clip such as 00001/0001 on each line" })
            }
            false => Ok(SeptupletList { clips }),
        }
    }

    /// The folder of each clip, in the order of the list. Each opens with [`open`](crate::open).
    pub fn clips(&self) -> &[PathBuf] {
        &self.clips
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_name_clip_folders_below_sequences_only() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("sep_trainlist.txt"), "00001/0001\r\n\n00001/0002\n").unwrap();
        let list = SeptupletList::train(root.path()).unwrap();
        let sequences = root.path().join("sequences");
        assert_eq!(list.clips(), [sequences.join("00001/0001"), sequences.join("00001/0002")]);

        fs::write(root.path().join("sep_testlist.txt"), "00001/0001\n../../etc\n").unwrap();
        let message = SeptupletList::test(root.path()).unwrap_err().to_string();
        assert!(message.contains("sep_testlist.txt: line 2") && message.contains("../../etc"), "{message}");
    }
}
