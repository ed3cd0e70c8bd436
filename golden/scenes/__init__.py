"""Scenes, their file formats, cameras, and the voxel grid (no torch)."""

from golden.scenes.camera import Camera, orbit, orbit_name, orbit_path
from golden.scenes.camera_file import load_cameras
from golden.scenes.load import load_scene
from golden.scenes.scene import Scene

__all__ = ["Camera", "Scene", "load_cameras", "load_scene", "orbit", "orbit_name", "orbit_path"]
