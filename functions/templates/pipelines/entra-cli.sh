#!/usr/bin/env bash
REGISTRY=https://ballroom.example.org
PACKAGES=.
[[build]]
[[publish entra-cli]]
