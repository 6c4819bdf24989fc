"""Synthetic faces with known one-sided expressions, for tests and for training the open AU bank.

The mesh (ICT-FaceKit, MIT licence) is not part of the project: `FaceModel.load` says where to get it.
"""
