# Part of a house.
#
# + number - of the apartment, from the line
# + floor - counted from the street
public type Apartment record {
    # apartment no
    string number;
    int floor;
};

# Where somebody lives.
#
# + street - street of the address
# + city - which one
public type Address record {|
    string street;
    string city;
|};

# Somebody who works here.
public class Employee {
    # funny number
    public int empNo;
    int secret = 0;

    public function init(int empNo) {
        self.empNo = empNo;
    }
}

public class Bar {
    public int i = 1;
    public string s = "str";
    public Foo[] foos = new;
}

public class Foo {
}

public class Student {
    public Bar f = new Bar();
}
