using TwoTower.Core;

namespace TwoTower.Evaluation.Protocols;

/// <summary>Which viewers are held out: those whose number ends in these digits. Both groups are kept out of every training.</summary>
/// <param name="Validation">To choose by.</param>
/// <param name="Test">To report once.</param>
public sealed record ViewerSuffixes(string Validation = "1", string Test = "0")
{
    /// <summary>Checks that both are digits and that no viewer is in both groups.</summary>
    /// <exception cref="InputException">They aren't.</exception>
    public void Check()
    {
        foreach (var (name, value) in new[] { ("--validation-suffix", Validation), ("--test-suffix", Test) })
        {
            if (value.Length is 0 or > 9 || !value.All(char.IsAsciiDigit))
            {
                throw new InputException($"{name} '{value}' isn't one to nine digits: give the digits that the held-out viewers' numbers end in, such as 1");
            }
        }

        if (Validation.EndsWith(Test, StringComparison.Ordinal) || Test.EndsWith(Validation, StringComparison.Ordinal))
        {
            throw new InputException($"--validation-suffix {Validation} and --test-suffix {Test} name the same viewers: give two endings that exclude each other");
        }
    }

    /// <summary>The ending of one group.</summary>
    public string Of(HeldOutGroup group) => group == HeldOutGroup.Validation ? Validation : Test;

    /// <summary>True for a viewer that no model may learn from.</summary>
    public bool IsHeldOut(Numbering numbers, Guid user)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        return numbers.ViewerEndsIn(user, Validation) || numbers.ViewerEndsIn(user, Test);
    }
}

/// <summary>The viewers that are asked.</summary>
public enum HeldOutGroup
{
    /// <summary>To choose by.</summary>
    Validation,

    /// <summary>To report once.</summary>
    Test,
}
