"""Level-of-detail search: hierarchies of Gaussians, SLTree, and the cut of a frame."""
