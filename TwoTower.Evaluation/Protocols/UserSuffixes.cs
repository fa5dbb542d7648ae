using TwoTower.Core;

namespace TwoTower.Evaluation.Protocols;

/// <summary>Which users are held out: those whose number ends in these digits. Both groups are kept out of every training.</summary>
/// <param name="Validation">Users that settings are chosen on.</param>
/// <param name="Test">Users that a result is reported on, once.</param>
internal sealed record UserSuffixes(string Validation = "1", string Test = "0")
{
    /// <summary>Checks that both are digits and that no user is in both groups.</summary>
    /// <exception cref="InputException">They aren't.</exception>
    public void Check()
    {
        foreach (var (name, value) in new[] { ("--validation-suffix", Validation), ("--test-suffix", Test) })
        {
            if (value.Length is 0 or > 9 || !value.All(char.IsAsciiDigit))
            {
                throw new InputException($"{name} '{value}' isn't one to nine digits: give the digits that the held-out users' numbers end in, such as 1");
            }
        }

        if (Validation.EndsWith(Test, StringComparison.Ordinal) || Test.EndsWith(Validation, StringComparison.Ordinal))
        {
            throw new InputException($"--validation-suffix {Validation} and --test-suffix {Test} name the same users: give two endings that exclude each other");
        }
    }

    /// <summary>The ending of one group.</summary>
    public string Of(HeldOutGroup group) => group == HeldOutGroup.Validation ? Validation : Test;

    /// <summary>True for a user that no model may learn from.</summary>
    public bool IsHeldOut(Numbering numbers, Guid user)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        return numbers.UserEndsIn(user, Validation) || numbers.UserEndsIn(user, Test);
    }
}

/// <summary>The users that are asked.</summary>
internal enum HeldOutGroup
{
    /// <summary>Users that settings are chosen on.</summary>
    Validation,

    /// <summary>Users that a result is reported on, once.</summary>
    Test,
}
