//! Compiles the fused passes of the libtorch executor against the headers beside the library that `torch-sys` found.

fn main() {
    for file in ["src/fused.h", "src/fused.cc", "src/shuffle.cc", "src/warp.cc"] {
        println!("cargo:rerun-if-changed={file}");
    }
    #[cfg(feature = "libtorch")]
    compile();
}

#[cfg(feature = "libtorch")]
fn compile() {
    let lib = std::env::var("DEP_TCH_LIBTORCH_LIB").expect("torch-sys says where libtorch is");
    let root = std::path::Path::new(&lib).parent().expect("libtorch has a folder");
    let include = root.join("include");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .include(&include)
        .include(include.join("torch/csrc/api/include"))
        .define("_GLIBCXX_USE_CXX11_ABI", "1")
        // The headers of libtorch warn by the page.
        .warnings(false)
        // Loops marked as independent become vectors; no threads come of it.
        .flag_if_supported("-fopenmp-simd")
        .files(["src/fused.cc", "src/shuffle.cc", "src/warp.cc"])
        .compile("vcn_fused");
}
