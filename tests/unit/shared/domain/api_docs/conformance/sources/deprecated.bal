# Sri Lanka.
public const LK = "LK";

# # Deprecated
# Use `LK`.
@deprecated
public const LKA = "LKA";

public const USA = "USA";

# # Deprecated
# Use `NewCountryCode`.
@deprecated
public type CountryCode LK|LKA|USA;

public type NewCountryCode LK|USA;

@deprecated
public type State "west"|"east";

public type NewState "west"|"east"|"north";

# Somebody.
#
# + name - of the person
#
# # Deprecated
# Use `Student`.
@deprecated
public class Person {
    public string name = "";

    # The whole name.
    #
    # # Deprecated
    # There is none any more.
    @deprecated
    public function getFullName() returns string {
        return self.name;
    }

    public function getCity() returns string {
        return "";
    }
}

public class Student {
    @deprecated
    public string name = "";
    public int age = 0;

    @deprecated
    public function getName() returns string {
        return self.name;
    }
}

public type Player record {|
    @deprecated
    string name = "";
|};

@deprecated
public type Address record {|
    string street;
|};

public type Bank record {|
    string name;
|};

@deprecated
public type InvalidAccountTypeError distinct error;

public type InvalidBankTypeError distinct error;

@deprecated
public annotation Bye on function;

public annotation Greeting on function;

# Makes one.
#
# # Deprecated
# Use `new`.
# + fname - the first name
@deprecated
public function createPerson(string fname) returns Person {
    return new;
}

# Puts names together.
#
# + title - of the person
# + fName - first
# + mName - middle
# + lName - last
# + return - all of them
public function getFullName(string title, @deprecated string fName, string mName = "", @deprecated string lName = "") returns string {
    return title;
}

public function sayHello() {
}
