using System.Text.Json.Serialization;
using Crm.Web.Http;
using Crm.Web.Users;

namespace Crm.Web.Security;

/// <summary>The JSON of login and users.</summary>
[JsonSerializable(typeof(LoginRequest))]
[JsonSerializable(typeof(RefreshRequest))]
[JsonSerializable(typeof(TokenPair))]
[JsonSerializable(typeof(ChangePasswordRequest))]
[JsonSerializable(typeof(ResetPasswordRequest))]
[JsonSerializable(typeof(PasswordResetToken))]
[JsonSerializable(typeof(OfferSecondFactorRequest))]
[JsonSerializable(typeof(OfferedSecondFactor))]
[JsonSerializable(typeof(ConfirmSecondFactorRequest))]
[JsonSerializable(typeof(ShownRecoveryCodes))]
[JsonSerializable(typeof(RemoveSecondFactorRequest))]
[JsonSerializable(typeof(SessionList))]
[JsonSerializable(typeof(RegisterUserRequest))]
[JsonSerializable(typeof(ChangeUserRequest))]
[JsonSerializable(typeof(UserStatusRequest))]
[JsonSerializable(typeof(UserBody))]
[JsonSerializable(typeof(UserPage))]
[JsonSerializable(typeof(MeBody))]
public sealed partial class SecurityJson : JsonSerializerContext
{
    /// <summary>The context with the wire's formats.</summary>
    public static SecurityJson Wire { get; } = new(WireFormats.Options());
}
