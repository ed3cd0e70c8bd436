"""The RTL, in Amaranth. Imports `golden.<engine>.spec` and table builders only, never torch."""
