//! Do the links of the Markdown pages lead to files that exist?

use std::path::Path;

use crate::project;

/// Every relative link below `root` that leads nowhere, as `page:line: link`.
pub(crate) fn broken(root: &Path) -> Vec<String> {
    project::complaints(root, "md", |page, text| {
        let folder = page.parent().unwrap_or(root);
        let broken = links(text).filter(|(_, link)| {
            !link.strip_prefix('/').map_or_else(|| folder.join(link), |rooted| root.join(rooted)).exists()
        });
        broken.map(|(line, link)| (line, format!("{link} leads nowhere"))).collect()
    })
}

/// The relative links of a page with the numbers of their lines; not those in code, to other hosts or within
/// the page.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    let prose = text.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fence && !fenced
    });
    prose.flat_map(|(index, line)| {
        line.split('`').step_by(2).flat_map(|prose| prose.split("](").skip(1)).filter_map(move |rest| {
            let link = rest.split([')', ' ']).next()?.split('#').next()?;
            let relative = !link.is_empty() && !link.contains(':');
            relative.then_some((index + 1, link))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::links;

    #[test]
    fn only_links_into_the_project_are_looked_at() {
        let page = "see [a](docs/a.md) and [b](../b.md#part \"title\")\n[c](https://host/x) [d](#here) [e](mailto:x@y)\n\
                    ```\n[f](in/code)\n```\nalso `[g](in/code)` ![h](picture.png)\n";
        let found: Vec<_> = links(page).collect();
        assert_eq!(found, [(1, "docs/a.md"), (1, "../b.md"), (6, "picture.png")]);
    }
}
