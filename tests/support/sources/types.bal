# How to connect.
public type Config record {|
    # The address
    string url;
    int timeout = 30;
|};

# Somebody to greet.
public type Person record {
    string name;
    Person friend?;
    Mood mood = HAPPY;
};

# How somebody feels.
public enum Mood {
    # Well
    HAPPY,
    SAD
}

# What went wrong.
public type Error distinct error;

# Greets the world.
# + return - the greeting
public isolated function greetWorld() returns string => "Hello";

function secret() {}
