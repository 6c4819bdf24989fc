"""The frame loop: frames in, records out, in frame order; in this process (`in_process`) or over forked workers (`frames`, `pool`)."""
