"""Pictures in and out: videos, images, mirrored videos, the encoder."""
