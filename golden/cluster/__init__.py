"""Cluster reduce network: ClusterFusion's ClusterReduce and ClusterGather, and other collectives."""
