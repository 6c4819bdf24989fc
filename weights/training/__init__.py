"""Synthetic faces with known one-sided expressions, for tests and for training the open AU bank.

Nothing of this package is used when a video is analysed. The mesh (ICT-FaceKit, MIT licence) is not part of the project: `FaceModel.load`
says where to get it.
"""
