"""Read the declarations of Ballerina sources: `shared.ballerina.declarations.read_source`."""
