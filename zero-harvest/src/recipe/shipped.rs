//! Recipes for well-known libraries, which come with the program.

use super::Recipe;

const TEXTS: [&str; 17] = [
    include_str!("../../recipes/apr.toml"),
    include_str!("../../recipes/brotli.toml"),
    include_str!("../../recipes/cjson.toml"),
    include_str!("../../recipes/expat.toml"),
    include_str!("../../recipes/gsl.toml"),
    include_str!("../../recipes/jansson.toml"),
    include_str!("../../recipes/libgit2.toml"),
    include_str!("../../recipes/libsodium.toml"),
    include_str!("../../recipes/libtommath.toml"),
    include_str!("../../recipes/libyaml.toml"),
    include_str!("../../recipes/lz4.toml"),
    include_str!("../../recipes/tree-sitter.toml"),
    include_str!("../../recipes/uriparser.toml"),
    include_str!("../../recipes/utf8proc.toml"),
    include_str!("../../recipes/xxhash.toml"),
    include_str!("../../recipes/zlib.toml"),
    include_str!("../../recipes/zstd.toml"),
];

/// The recipes that are shipped. Those of the user's own are to stand before them.
pub fn shipped() -> Vec<Recipe> {
    // None is left out: a test reads each of them.
    TEXTS
        .iter()
        .filter_map(|text| Recipe::parse(text).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_recipe_is_one() {
        for text in TEXTS {
            let recipe = Recipe::parse(text).unwrap();
            assert!(!recipe.repositories.is_empty(), "{}", recipe.name);
        }
    }

    #[test]
    fn a_repository_has_one_recipe_wherever_it_comes_from() {
        let recipes = shipped();
        for name in ["lz4", "lz4_1.9.4", "lz4-1.9.4", "git.example/lz4/lz4"] {
            let meant = recipes.iter().filter(|recipe| {
                let meant = |pattern: &super::super::Glob| pattern.matches(name);
                recipe.repositories.iter().any(meant)
            });
            let names: Vec<&str> = meant.map(|recipe| recipe.name.as_str()).collect();
            assert_eq!(names, ["lz4"], "{name}");
        }
    }
}
