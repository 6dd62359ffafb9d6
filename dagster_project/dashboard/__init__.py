"""The dashboards: self-contained pages of a publication's numbers."""
