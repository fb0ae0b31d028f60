//! Duplicates among videos as `vid_dup_finder_lib` finds them, with its defaults: `vid_dup_finder VIDEO...` prints a
//! line for each group, its paths separated by tabs.

use std::path::PathBuf;

use vid_dup_finder_lib::{DEFAULT_SEARCH_TOLERANCE, VideoHashBuilder, search};

fn main() {
    let builder = VideoHashBuilder::default();
    let hash = |path: String| match builder.hash(PathBuf::from(&path)) {
        Ok(hash) => Some(hash),
        Err(error) => {
            eprintln!("{path}: {error}");
            None
        }
    };
    let hashes: Vec<_> = std::env::args().skip(1).filter_map(hash).collect();
    for group in search(hashes, DEFAULT_SEARCH_TOLERANCE) {
        let paths: Vec<String> = group.duplicates().map(|path| path.display().to_string()).collect();
        println!("{}", paths.join("\t"));
    }
}
