summary=$work/published.md
