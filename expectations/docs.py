"""The Data Docs site: the latest audit of each layer, as pages that read well offline."""

from __future__ import annotations

import tempfile
from pathlib import Path

from expectations.store import latest
from ingestion.company.settings import Company
from ingestion.disk.links import lead, remove
from ingestion.paths import CompanyPaths


def build(company: Company) -> Path:
    """Build the site aside and lead the link to it, by one rename; returns its index page.

    Whoever reads the site sees the old one whole, or the new one.
    """
    from expectations.pages import pages

    link = CompanyPaths.of(company).data_docs
    sites = link.with_name("audit") / "sites"
    sites.mkdir(parents=True, exist_ok=True)
    site = Path(tempfile.mkdtemp(dir=sites))
    audits = latest(company)
    (site / "validations").mkdir()
    for audit in audits:
        for table, page in audit.pages.items():
            (site / "validations" / f"{table}.html").write_text(page, encoding="utf-8")
    index = pages().index(company, audits)
    (site / "index.html").write_text(index, encoding="utf-8")
    lead(link, site)
    for other in sites.iterdir():
        if other != site:
            remove(other)
    return link / "index.html"
