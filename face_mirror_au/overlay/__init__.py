"""The overlay: what was found and measured, drawn on the picture; as a video, and in a window. Plugins on the hook `draw_overlay`."""
