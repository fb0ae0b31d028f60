//! Lists what is embedded in the program: the checkpoints that are there, and the demo's pictures.

use std::path::{Path, PathBuf};
use std::{env, fmt::Write, fs, io};

fn main() -> io::Result<()> {
    // Asked at run time: a target folder that several checkouts share keeps one compiled build script.
    let here = env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| io::Error::other("no CARGO_MANIFEST_DIR"))?;
    let root = Path::new(&here).join("..");
    let mut source = String::new();
    list(&mut source, "CHECKPOINTS", &root.join("checkpoints"), "vcnm")?;
    list(&mut source, "SAMPLE", &root.join("tests/data/clip_driving_416x240"), "png")?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("no OUT_DIR"))?);
    fs::write(out.join("embedded.rs"), source)
}

/// Adds a constant with the names (without extension) and contents of all files of one type in a folder, in order.
fn list(source: &mut String, constant: &str, folder: &Path, extension: &str) -> io::Result<()> {
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let path = fs::canonicalize(entry?.path())?;
            if path.extension().is_some_and(|found| found == extension) {
                files.push(path);
            }
        }
    }
    // By length first, so that version 10 follows version 9.
    files.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
    let _ = writeln!(source, "const {constant}: &[(&str, &[u8])] = &[");
    for path in files {
        println!("cargo:rerun-if-changed={}", path.display());
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let _ = writeln!(source, "    ({name:?}, include_bytes!({:?})),", path.to_string_lossy());
    }
    let _ = writeln!(source, "];");
    Ok(())
}
