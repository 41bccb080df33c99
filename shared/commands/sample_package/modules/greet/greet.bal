# How a person is greeted.
public enum Style {
    # "Hi", for friends
    FRIENDLY,
    # "Good day", for everybody else
    FORMAL
}

# The error of a greeting without a name.
public type NameMissing distinct error;

# Returns a greeting for a person.
#
# + name - The name of the person
# + style - How to greet the person
# + return - The greeting, or an error if the name is empty
public isolated function hello(string name, Style style = FRIENDLY) returns string|NameMissing {
    if name.trim() == "" {
        return error NameMissing("The name is empty.");
    }
    return style == FORMAL ? string `Good day, ${name}.` : string `Hi, ${name}!`;
}
