"""Unit 14: which engine suits which need?"""
