// The precompiled header needs a target to belong to; this file gives it one.
