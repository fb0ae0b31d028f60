//! What people think of scenes: CSV with the columns `scene`, `label` and, if there is one, `group`.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use serde::Deserialize;

use super::scenes::Scene;
use crate::error::{Error, Result};
use crate::table::rows;

/// What someone thinks of a scene.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The scene, as `CLIP#SCENE`.
    pub scene: String,
    /// Whether it is wanted.
    pub wanted: bool,
    /// Scenes of one group have something in common, such as the film that they are from: what is learned is never judged
    /// by another scene of the same group. Scenes of a clip always are of one group.
    pub group: Option<String>,
}

/// Reads labels. A label is 1 or 0; scenes without one are left out, further columns are ignored.
///
/// # Errors
/// The file cannot be read, a line cannot be understood, or a scene is there twice.
pub fn read_labels(path: &Path) -> Result<Vec<Label>> {
    #[derive(Deserialize)]
    struct Row {
        scene: String,
        label: String,
        #[serde(default)]
        group: String,
    }
    let at = |line: u64, reason: String| Error::Line { path: path.to_owned(), line, reason };
    let file = File::open(path).map_err(Error::io("read", path))?;
    let (mut labels, mut known) = (Vec::new(), HashSet::new());
    for (line, row) in rows::<Row>(path, file, &["scene", "label"])? {
        let wanted = match row.label.as_str() {
            "" => continue,
            "1" => true,
            "0" => false,
            other => return Err(at(line, format!("label {other:?}: expected 1, 0 or nothing"))),
        };
        if !known.insert(row.scene.clone()) {
            return Err(at(line, format!("scene {:?} is there twice", row.scene)));
        }
        labels.push(Label {
            scene: row.scene,
            wanted,
            group: Some(row.group).filter(|group| !group.is_empty()),
        });
    }
    Ok(labels)
}

/// A table of scenes with room for labels.
///
/// # Errors
/// None that memory does not run into.
pub fn to_be_labelled(scenes: &[Scene]) -> Result<Vec<u8>> {
    let failed = |error: csv::Error| Error::Ranker { reason: format!("cannot list scenes: {error}") };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["scene", "start", "end", "label", "group"]).map_err(failed)?;
    for scene in scenes {
        let [start, end] = [scene.start, scene.end].map(|seconds| format!("{seconds:.3}"));
        writer.write_record([scene.id().as_str(), &start, &end, "", ""]).map_err(failed)?;
    }
    writer.into_inner().map_err(|error| Error::Ranker { reason: format!("cannot list scenes: {error}") })
}
