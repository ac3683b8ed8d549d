//! The size budget: files and functions that a reader cannot hold in mind at once are listed.

use anyhow::{Context, Result};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use super::source::{self, Source};

const FILE_BUDGET: usize = 400;
const FUNCTION_BUDGET: usize = 60;

/// Prints files and functions over budget; it is for reviewers to decide about them.
pub(crate) fn report() -> Result<()> {
    let mut functions = Vec::new();
    let sources = source::all()?;
    for source in &sources {
        functions.extend(lengths(source)?);
        let lines = source.text.lines().count();
        if lines > FILE_BUDGET {
            println!("{}: {lines} lines (budget {FILE_BUDGET})", source.path);
        }
    }
    for (place, lines) in functions.iter().filter(|(_, lines)| *lines > FUNCTION_BUDGET) {
        println!("{place}: {lines} lines (budget {FUNCTION_BUDGET})");
    }
    let files = median(sources.iter().map(|source| source.text.lines().count()).collect());
    let lines = median(functions.iter().map(|(_, lines)| *lines).collect());
    println!(
        "{} files, median {files} lines; {} functions, median {lines} lines",
        sources.len(),
        functions.len()
    );
    Ok(())
}

/// The functions of a file as "path:line name" with their lengths, tests left out.
fn lengths(source: &Source) -> Result<Vec<(String, usize)>> {
    let file = syn::parse_file(&source.text).with_context(|| format!("cannot parse {}", source.path))?;
    let mut functions = Functions { path: &source.path, found: Vec::new() };
    functions.visit_file(&file);
    Ok(functions.found)
}

fn median(mut numbers: Vec<usize>) -> usize {
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

struct Functions<'a> {
    path: &'a str,
    found: Vec<(String, usize)>,
}

impl Functions<'_> {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.span().start().line;
        let last = block.span().end().line;
        self.found.push((format!("{}:{first} {}", self.path, signature.ident), last + 1 - first));
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured_and_tests_are_not() -> Result<()> {
        let text =
            "struct S;\nimpl S {\n  fn a() {\n    ()\n  }\n}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\n";
        let source = Source { path: "x.rs".into(), text: text.into() };
        assert_eq!(lengths(&source)?, [("x.rs:3 a".to_owned(), 3)]);
        Ok(())
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(vec![9, 1, 5]), 5);
        assert_eq!(median(Vec::new()), 0);
    }
}
