"""The Data Docs site: the latest audit of each layer, as pages that read well offline."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from expectations.store import latest
from ingestion.company import Company
from ingestion.paths import CompanyPaths


def build(company: Company) -> Path:
    """Build the site aside and put it in place by one rename; returns its index page.

    Whoever reads the site sees the old one whole, or the new one.
    """
    from expectations.pages import Pages

    link = CompanyPaths.of(company).data_docs
    sites = link.with_name("audit") / "sites"
    sites.mkdir(parents=True, exist_ok=True)
    site = Path(tempfile.mkdtemp(dir=sites))
    site.chmod(0o755)
    audits = list(latest(company))
    pages = Pages()
    validations = {
        validation["suite_name"]: validation for audit in audits for validation in audit.validations
    }
    (site / "validations").mkdir()
    for table, validation in validations.items():
        page = site / "validations" / f"{table}.html"
        page.write_text(pages.validation(validation), encoding="utf-8")
    index = pages.index(company.name, [audit.report for audit in audits], validations)
    (site / "index.html").write_text(index, encoding="utf-8")
    _put_in_place(site, link)
    return link / "index.html"


def _put_in_place(site: Path, link: Path) -> None:
    aside = site.with_suffix(".link")
    aside.symlink_to(site.relative_to(link.parent))
    aside.replace(link)
    for other in site.parent.iterdir():
        if other != site:
            shutil.rmtree(other)
