"""One HTML file that shows a run: it opens from disk, loads nothing, and works by mouse and by keyboard."""
