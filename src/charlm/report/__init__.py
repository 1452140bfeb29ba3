"""One HTML file that shows a run: it opens from disk, loads nothing, and works with mouse and keyboard."""
