"""What runs keep on disk: who may read it, links to the newest of it, what a disk refuses."""
